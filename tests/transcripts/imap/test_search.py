"""SEARCH: RFC 9051 section 6.4.4, RFC 3501 (NEW, OLD, RECENT, the untagged SEARCH), RFC 5032."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGES = (
    (
        r'(\Seen \Answered $Work) "10-Jan-2026 12:00:00 +0000"',
        b"From: Ann <ann@example.test>\r\nTo: bob@example.test\r\n"
        b"Cc: =?UTF-8?Q?J=C3=B6rg?= <j@example.test>\r\n"
        b"Subject: =?UTF-8?B?R3LDvMOfZQ==?= from\r\n Berlin\r\nDate: Fri, 9 Jan 2026 23:30:00 -0800\r\n"
        b"X-Tag: alpha\r\n\r\nThe quick brown fox\r\n",
    ),
    (
        r'(\Flagged \Draft) "20-Feb-2026 12:00:00 +0000"',
        b"From: Bob <bob@example.test>\r\nTo: ann@example.test\r\nBcc: carol@example.test\r\n"
        b"Subject: invoice\r\nDate: Fri, 20 Feb 2026 10:00:00 +0000\r\nX-Tag:\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"w5xiZXJ3ZWlzdW5nIG9mIG1vbmV5\r\n",
    ),
    (
        r'(\Deleted) "21-Feb-2026 12:00:00 +0000"',
        b"From: Carol <carol@example.test>\r\nSubject: no date\r\n"
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<p>quick <b>bro=\r\nwn</b> bear</p>\r\n" + b"x" * 300 + b"\r\n",
    ),
)


@pytest.fixture
def three(client: Client) -> Client:
    """A session with the three messages."""
    for before, message in MESSAGES:
        client.append("INBOX", message, before + " ")
    return client


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ("ALL", "1 2 3"),
        ("1:2", "1 2"),
        ("2:*", "2 3"),
        ("UID 2:9", "2 3"),
        ("ANSWERED", "1"),
        ("UNANSWERED", "2 3"),
        ("DELETED", "3"),
        ("UNDELETED", "1 2"),
        ("DRAFT", "2"),
        ("UNDRAFT", "1 3"),
        ("FLAGGED", "2"),
        ("UNFLAGGED", "1 3"),
        ("SEEN", "1"),
        ("UNSEEN", "2 3"),
        ("NEW", "2 3"),
        ("OLD", ""),
        ("RECENT", "1 2 3"),
        ("KEYWORD $work", "1"),
        ("UNKEYWORD $Work", "2 3"),
        ("KEYWORD unknown", ""),
        ("BEFORE 20-Feb-2026", "1"),
        ("ON 20-Feb-2026", "2"),
        ("SINCE 20-Feb-2026", "2 3"),
        ('SENTON "9-Jan-2026"', "1"),  # as written there, not as it was in UTC
        ("SENTBEFORE 20-Feb-2026", "1"),
        ("SENTSINCE 10-Jan-2026", "2"),
        ("LARGER 400", "3"),
        ("SMALLER 400", "1 2"),
        ("OLDER 60", "1 2 3"),
        ("YOUNGER 60", ""),
        ("FROM ann", "1"),
        ("FROM EXAMPLE.TEST", "1 2 3"),
        ("TO ann", "2"),
        ("CC j@", "1"),
        ("BCC carol", "2"),
        ('SUBJECT "from Berlin"', "1"),
        ("SUBJECT INVOICE", "2"),
        ("HEADER X-Tag ALPHA", "1"),
        ('HEADER X-Tag ""', "1 2"),
        ("HEADER X-None any", ""),
        ('BODY "quick brown"', "1 3"),
        ("BODY overweisung", ""),
        ("BODY money", "2"),
        ("TEXT carol", "2 3"),
        ("BODY carol", ""),
        ("NOT SEEN NOT DELETED", "2"),
        ("OR SEEN DELETED", "1 3"),
        ("OR FROM carol (SUBJECT invoice BODY money)", "2 3"),
        ("NOT (OR TEXT fox 2:3)", ""),
        ("(1:3 (NOT 2))", "1 3"),
        ("NOT BODY quick", "2"),
        ("UNSEEN SUBJECT invoice BODY money LARGER 10", "2"),
    ],
)
def test_keys(three: Client, keys: str, found: str) -> None:
    assert three.command(f"SEARCH {keys}") == [f"* SEARCH {found}".rstrip()]


def test_charsets(three: Client) -> None:
    three.play(
        """
        C: a SEARCH CHARSET UTF-8 SUBJECT {4}
        S: + ...
        C: GR\u00fc
        S: * SEARCH 1
        S: a OK ...
        C: b SEARCH CHARSET UTF-8 SUBJECT {7+}
        C: gr\u00fc\u00dfe
        S: * SEARCH 1
        S: b OK ...
        C: c SEARCH CHARSET utf-8 BODY {14+}
        C: \u00fcberweisung O
        S: * SEARCH 2
        S: c OK ...
        C: d SEARCH CHARSET US-ASCII CC j
        S: * SEARCH 1
        S: d OK ...
        C: e SEARCH CHARSET X-UNKNOWN SUBJECT x
        S: e NO [BADCHARSET (US-ASCII UTF-8 ...)] ...
        """
    )
    three.send(b"f SEARCH CHARSET ISO-8859-1 CC {4+}\r\nJ\xd6RG\r\n")
    three.play("S: * SEARCH 1\nS: f OK ...")
    three.send(b"g SEARCH CHARSET UTF-8 CC {4+}\r\nJ\xd6RG\r\n")
    three.play("S: g BAD ...")


def test_folding_is_that_of_unicode(three: Client) -> None:
    """RFC 5051: case does not matter, nor whether a letter is composed."""
    three.send("a SEARCH CHARSET UTF-8 SUBJECT {9+}\r\nGRU\u0308\u00dfE \r\n".encode())
    three.play("S: * SEARCH 1\nS: a OK ...")


def test_uid_search_answers_in_uids(three: Client) -> None:
    three.play(
        r"""
        C: a EXPUNGE
        S: * 3 EXPUNGE
        S: a OK ...
        C: b STORE 1 +FLAGS.SILENT (\Deleted)
        S: b OK ...
        C: c EXPUNGE
        S: * 1 EXPUNGE
        S: c OK ...
        C: d UID SEARCH ALL
        S: * SEARCH 2
        S: d OK SEARCH completed.
        C: e SEARCH UID 1,3
        S: * SEARCH
        S: e OK SEARCH completed.
        """
    )


def test_search_sets_no_flag(three: Client) -> None:
    three.command("SEARCH TEXT quick")
    three.play(
        r"""
        C: a FETCH 2 FLAGS
        S: * 2 FETCH (FLAGS (\Flagged \Draft \Recent))
        S: a OK ...
        """
    )


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "NONSENSE",
        "FROM",
        "ON 31-Feb-2026",
        "7",
        "(",
        "NOT",
        "OR ALL",
        "KEYWORD \\Seen",
        "(" * 200 + "ALL",
    ],
)
def test_what_is_no_search(three: Client, keys: str) -> None:
    assert three.refused(f"SEARCH {keys}").startswith("BAD")


def test_an_empty_mailbox(client: Client) -> None:
    client.play("C: a SEARCH ALL\nS: * SEARCH\nS: a OK ...")
