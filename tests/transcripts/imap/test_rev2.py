"""IMAP4rev2 beside IMAP4rev1: what ENABLE changes, and nothing for others (RFC 9051, appendix E)."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
DENORMAL, NORMAL = "Gru\u0308n", "Gr\u00fcn"  # the first is not in Normalization Form C


@pytest.fixture
def newer(host: ImapHost, user: Login) -> Client:
    """A session that speaks IMAP4rev2, with no mailbox selected."""
    client = host.log_in(user)
    client.command("ENABLE IMAP4rev2")
    return client


def test_select(newer: Client) -> None:
    newer.append("INBOX", MESSAGE)
    newer.play(
        r"""
        C: a SELECT inbox
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * 1 EXISTS
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] ...
        S: * OK [UIDVALIDITY ...] ...
        S: * OK [UIDNEXT 2] ...
        S: * OK [HIGHESTMODSEQ ...] ...
        S: * OK [MAILBOXID (...)] ...
        S: * OK [URLMECH INTERNAL] ...
        S: * LIST () "/" INBOX
        S: a OK [READ-WRITE] ...
        C: b EXAMINE Drafts
        S: * OK [CLOSED] ...
        S: * FLAGS ...
        S: * 0 EXISTS
        S: * OK [PERMANENTFLAGS ()] ...
        S: * OK [UIDVALIDITY ...] ...
        S: * OK [UIDNEXT 1] ...
        S: * OK [HIGHESTMODSEQ ...] ...
        S: * OK [MAILBOXID (...)] ...
        S: * OK [URLMECH INTERNAL] ...
        S: * LIST (\Drafts) "/" Drafts
        S: b OK [READ-ONLY] ...
        """
    )


def test_nothing_is_recent(newer: Client, client: Client) -> None:
    newer.command("SELECT INBOX")
    client.append("INBOX", MESSAGE)
    newer.play("C: a NOOP\nS: * 1 EXISTS\nS: a OK ...")
    newer.play("C: b FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS ())\nS: b OK ...")
    newer.play('C: c SEARCH RECENT\nS: * ESEARCH (TAG "c")\nS: c OK ...')


def test_enabling_it_in_mid_session_forgets_what_was_recent(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play("C: a FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS (\\Recent))\nS: a OK ...")
    client.command("ENABLE IMAP4rev2")
    client.play("C: b FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS ())\nS: b OK ...")


def test_recent_is_left_to_those_who_know_it(newer: Client, host: ImapHost, user: Login) -> None:
    newer.append("INBOX", MESSAGE)
    newer.command("SELECT INBOX")
    with host.log_in(user) as older:
        assert "* 1 RECENT" in older.command("SELECT INBOX")


def test_search_answers_esearch(newer: Client) -> None:
    newer.command("SELECT INBOX")
    newer.play('C: a SEARCH ALL\nS: * ESEARCH (TAG "a")\nS: a OK ...')
    newer.append("INBOX", MESSAGE)
    newer.append("INBOX", MESSAGE)
    newer.play('C: b UID SEARCH ALL\nS: * ESEARCH (TAG "b") UID ALL 1:2\nS: b OK ...')
    newer.play('C: c SEARCH CHARSET UTF-8 SUBJECT one\nS: * ESEARCH (TAG "c") ALL 1:2\nS: c OK ...')


def test_search_without_a_charset_is_utf8(newer: Client) -> None:
    newer.append("INBOX", b"Subject: =?utf-8?q?gr=C3=BCn?=\r\n\r\n")
    newer.command("SELECT INBOX")
    newer.play('C: a SEARCH SUBJECT "GRÜN"\nS: * ESEARCH (TAG "a") ALL 1\nS: a OK ...')


def test_status_tells_of_what_is_deleted(newer: Client) -> None:
    newer.append("INBOX", MESSAGE, r"(\Deleted) ")
    newer.play("C: a STATUS INBOX (MESSAGES DELETED SIZE)")
    newer.play("S: * STATUS INBOX (MESSAGES 1 DELETED 1 SIZE 22)\nS: a OK ...")


def test_keywords_that_begin_with_a_dollar(newer: Client) -> None:
    newer.append("INBOX", MESSAGE, "($Forwarded $MDNSent) ")
    newer.command("SELECT INBOX")
    newer.play("C: a SEARCH KEYWORD $forwarded NOT KEYWORD $Junk\nS: * ESEARCH (TAG ...) ALL 1\nS: a OK ...")


def test_both_forms_of_a_name_are_one_mailbox(newer: Client, client: Client) -> None:
    newer.play(
        f"""
        C: a CREATE {NORMAL}/台北
        S: a OK ...
        C: b LIST "" Gr%/*
        S: * LIST (\\HasNoChildren) "/" "{NORMAL}/台北"
        S: b OK ...
        """
    )
    client.play(
        """
        C: a LIST "" Gr*/*
        S: * LIST (\\HasNoChildren) "/" Gr&APw-n/&U,BTFw-
        S: a OK ...
        C: b STATUS Gr&APw-n/&U,BTFw- (MESSAGES)
        S: * STATUS Gr&APw-n/&U,BTFw- (MESSAGES 0)
        S: b OK ...
        C: c CREATE Gr&APw-n/&U,BTFw-
        S: c NO [ALREADYEXISTS] ...
        """
    )


def test_a_name_that_is_not_in_nfc_is_told_with_the_one_that_counts(newer: Client) -> None:
    newer.play(
        f"""
        C: a CREATE "{DENORMAL}"
        S: * LIST () "/" "{NORMAL}" ("OLDNAME" ("{DENORMAL}"))
        S: a OK ...
        """
    )
    assert f'* LIST () "/" "{NORMAL}" ("OLDNAME" ("{DENORMAL}"))' in newer.command(f"SELECT {DENORMAL}")
    assert f'* LIST () "/" "{NORMAL}"' in newer.command(f"SELECT {NORMAL}")
    newer.play(
        f"""
        C: b RENAME {NORMAL} Blau
        S: * LIST () "/" Blau ("OLDNAME" ("{NORMAL}"))
        S: b OK ...
        """
    )


def test_an_ampersand_means_itself(newer: Client, client: Client) -> None:
    newer.command("CREATE R&D")
    client.play('C: a LIST "" R*\nS: * LIST (\\HasNoChildren) "/" R&-D\nS: a OK ...')


def test_a_name_in_another_charset_is_refused(newer: Client) -> None:
    newer.send(b'a CREATE "Gr\xfcn"\r\n')
    newer.play("S: a NO [CANNOT] ...")
    newer.send(b"b CREATE {4+}\r\nGr\xfcn\r\n")
    newer.play("S: b NO [CANNOT] ...")


def test_a_name_with_children_says_why_it_stays(newer: Client) -> None:
    newer.command("CREATE a/b")
    newer.command("DELETE a")
    newer.play("C: a DELETE a\nS: a NO [HASCHILDREN] ...")


def test_who_enables_nothing_sees_rev1(client: Client) -> None:
    client.play("C: a SEARCH ALL\nS: * SEARCH\nS: a OK ...")
    lines = client.command("SELECT INBOX")
    assert "* 0 RECENT" in lines
    assert not any(line.startswith("* LIST") for line in lines)


def test_unauthenticate_ends_it(newer: Client, user: Login) -> None:
    newer.command("UNAUTHENTICATE")
    newer.command(f"LOGIN {user.address} {user.key}")
    assert "* 0 RECENT" in newer.command("SELECT INBOX")
    newer.play(
        "C: a CREATE Gr&APw-n\nS: a OK ...\nC: b ENABLE IMAP4rev2\nS: * ENABLED IMAP4rev2\nS: b OK ..."
    )


# --- UTF8=ACCEPT (RFC 6855) -------------------------------------------------------------------------


def test_utf8_accept_names_the_charset_once_and_for_all(client: Client) -> None:
    client.append("INBOX", "Subject: grün\r\n\r\n".encode())
    client.command("ENABLE UTF8=ACCEPT")
    client.play(
        """
        C: a SEARCH SUBJECT "GRÜN"
        S: * SEARCH 1
        S: a OK ...
        C: b SEARCH CHARSET UTF-8 SUBJECT "grün"
        S: b BAD ...
        C: c SORT (DATE) UTF-8 SUBJECT "grün"
        S: * SORT 1
        S: c OK ...
        C: d SORT (DATE) US-ASCII ALL
        S: d BAD ...
        C: e THREAD REFS ISO-8859-1 ALL
        S: e BAD ...
        """
    )


def test_append_as_utf8(client: Client) -> None:
    client.command("ENABLE UTF8=ACCEPT")
    message = "Subject: grün\r\n\r\n".encode()
    client.send(b"a APPEND INBOX (\\Seen) UTF8 (~{%d+}\r\n%b)\r\n" % (len(message), message))
    assert client.until("a")[-1].startswith("OK [APPENDUID")
    client.send(b"b FETCH 1 BODY.PEEK[]\r\n")
    client.play(f"S: * 1 FETCH (BODY[] {{{len(message)}}}")
    assert client.octets(len(message)) == message


def test_the_two_together_are_told_once(client: Client) -> None:
    client.play(
        "C: a ENABLE utf8=accept imap4rev2 IMAP4REV2 X\nS: * ENABLED UTF8=ACCEPT IMAP4rev2\nS: a OK ..."
    )
    client.play("C: b ENABLE IMAP4rev2\nS: * ENABLED\nS: b OK ...")
