"""CONDSTORE: RFC 7162 section 3.1."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def three(client: Client, other: Client) -> Client:
    """Two sessions that both know three messages; the first one follows modification sequences."""
    for _ in range(3):
        client.append("INBOX", MESSAGE)
    other.command("NOOP")
    return client


def modseqs(client: Client) -> list[int]:
    lines = client.command("FETCH 1:* MODSEQ")
    return [int(line.rpartition("(")[2].rstrip(")")) for line in lines if "FETCH" in line]


def test_enabling_it_tells_where_the_mailbox_stands(three: Client) -> None:
    three.play(
        """
        C: a ENABLE CONDSTORE
        S: * OK [HIGHESTMODSEQ <m>] ...
        S: * ENABLED CONDSTORE
        S: a OK ...
        C: b ENABLE CONDSTORE
        S: * ENABLED
        S: b OK ...
        C: c STATUS INBOX (HIGHESTMODSEQ)
        S: * STATUS INBOX (HIGHESTMODSEQ <m>)
        S: c OK ...
        C: d SELECT INBOX (CONDSTORE)
        S: * OK [CLOSED] ...
        S: ...
        S: * 3 EXISTS
        S: ...
        S: * OK [UNSEEN 1] ...
        S: ...
        S: ...
        S: * OK [UIDNEXT 4] ...
        S: * OK [HIGHESTMODSEQ <m>] ...
        S: * OK [MAILBOXID (...)] ...
        S: * OK [URLMECH INTERNAL] ...
        S: d OK [READ-WRITE] ...
        """
    )


def test_modseqs_grow_with_every_change(three: Client, other: Client) -> None:
    before = modseqs(three)
    assert before == sorted(before)
    other.command(r"STORE 1 +FLAGS (\Seen)")
    three.command("NOOP")
    after = modseqs(three)
    assert after[1:] == before[1:]
    assert after[0] > max(before)
    assert three.command(f"FETCH 1:* (UID) (CHANGEDSINCE {max(before)})") == [
        f"* 1 FETCH (UID 1 MODSEQ ({after[0]}))"
    ]


def test_changes_of_others_come_with_their_modseq(three: Client, other: Client) -> None:
    three.command("ENABLE CONDSTORE")
    other.command(r"STORE 2 +FLAGS (\Seen)")
    named = three.play(
        r"""
        C: a NOOP
        S: * 2 FETCH (FLAGS (\Seen \Recent) MODSEQ (<m>))
        S: a OK ...
        """
    )
    assert modseqs(three)[1] == int(named["m"].rstrip(")"))


def test_store_leaves_alone_what_has_changed_since(three: Client, other: Client) -> None:
    known = max(modseqs(three))
    other.command(r"STORE 2 +FLAGS (\Flagged)")
    three.play(
        rf"""
        C: a STORE 1:3 (UNCHANGEDSINCE {known}) +FLAGS (\Deleted)
        S: * 1 FETCH (FLAGS (\Deleted \Recent) MODSEQ (...))
        S: * 2 FETCH (FLAGS (\Flagged \Recent) MODSEQ (...))
        S: * 3 FETCH (FLAGS (\Deleted \Recent) MODSEQ (...))
        S: a OK [MODIFIED 2] ...
        C: b UID STORE 2 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\Deleted)
        S: b OK [MODIFIED 2] ...
        C: c STORE 2 (UNCHANGEDSINCE 0) +FLAGS ($x)
        S: c OK [MODIFIED 2] ...
        """
    )


def test_a_silent_store_still_tells_the_modseq(three: Client) -> None:
    three.command("ENABLE CONDSTORE")
    three.play(
        r"""
        C: a STORE 1 +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (MODSEQ (<m>))
        S: a OK ...
        C: b UID STORE 2 +FLAGS.SILENT (\Seen)
        S: * 2 FETCH (UID 2 MODSEQ (...))
        S: b OK ...
        C: c STORE 3 +FLAGS (\Seen)
        S: * 3 FETCH (FLAGS (\Seen \Recent) MODSEQ (...))
        S: c OK ...
        """
    )


def test_reading_tells_the_modseq_of_the_flags_that_it_sets(three: Client) -> None:
    three.command("ENABLE CONDSTORE")
    three.play(
        r"""
        C: a FETCH 1 BODY[TEXT]<0.4>
        S: * 1 FETCH (BODY[TEXT]<0> {4}
        S: body FLAGS (\Seen \Recent) MODSEQ (...))
        S: a OK ...
        C: b FETCH 1 BODY[TEXT]<0.4>
        S: * 1 FETCH (BODY[TEXT]<0> {4}
        S: body)
        S: b OK ...
        """
    )


def test_search_by_modseq(three: Client, other: Client) -> None:
    known = max(modseqs(three))
    other.command(r"STORE 2:3 +FLAGS (\Seen)")
    three.command("NOOP")
    latest = max(modseqs(three))
    assert three.command(f"SEARCH MODSEQ {known + 1}") == [f"* SEARCH 2 3 (MODSEQ {latest})"]
    assert three.command(f"SEARCH MODSEQ {latest + 1}") == ["* SEARCH"]
    (line,) = three.command(f"SEARCH RETURN (ALL) MODSEQ {known + 1}")
    assert line.endswith(f"ALL 2:3 MODSEQ {latest}")


@pytest.mark.parametrize(
    ("options", "shown", "of"),
    [
        ("MIN", "MIN 1", 1),
        ("MAX", "MAX 3", 3),
        ("MIN MAX", "MIN 1 MAX 3", 3),
        ("SAVE MIN", "MIN 1", 1),
        ("MIN COUNT", "MIN 1 COUNT 3", 2),
        ("PARTIAL 3:3", "PARTIAL (3:3 3)", 3),
        ("", "ALL 1:3", 2),
    ],
)
def test_the_modseq_is_that_of_what_is_shown_rfc4731_3_2(
    three: Client, options: str, shown: str, of: int
) -> None:
    three.command(r"STORE 3 +FLAGS (\Seen)")
    three.command(r"STORE 2 +FLAGS (\Seen)")
    modseq = modseqs(three)[of - 1]
    line = three.command(f"SEARCH RETURN ({options}) MODSEQ 1")[0]
    assert line.endswith(f") {shown} MODSEQ {modseq}")
    line = three.command(f"SORT RETURN ({options.removeprefix('SAVE ')}) (SIZE) UTF-8 MODSEQ 1")[0]
    assert line.endswith(f" MODSEQ {modseq}")


def test_expunge_moves_the_mailbox_on(three: Client) -> None:
    before = max(modseqs(three))
    three.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    three.command("EXPUNGE")
    (line,) = three.command("STATUS INBOX (HIGHESTMODSEQ)")
    assert int(line.split()[-1].rstrip(")")) >= before + 2
