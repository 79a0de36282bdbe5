"""COPY, MOVE and their UID forms: RFC 9051 sections 6.4.7 and 6.4.8, RFC 4315, RFC 6851."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def three(client: Client) -> Client:
    """A session with three messages."""
    for flags in (r"(\Seen) ", r"($Work) ", ""):
        client.append("INBOX", MESSAGE, flags + '" 1-Jan-2026 00:00:00 +0000" ')
    return client


def test_copy_keeps_flags_and_date(three: Client) -> None:
    three.play(
        r"""
        C: a COPY 2:3 Archive
        S: a OK [COPYUID <validity> 2:3 1:2] COPY completed.
        C: b UID COPY 1 Archive
        S: b OK [COPYUID <validity> 1 3] COPY completed.
        C: c EXAMINE Archive
        S: * OK [CLOSED] ...
        S: * FLAGS ...
        S: * 3 EXISTS
        S: * 3 RECENT
        S: * OK [UNSEEN 1] ...
        S: * OK [PERMANENTFLAGS ()] ...
        S: * OK [UIDVALIDITY <validity>] ...
        S: * OK [UIDNEXT 4] ...
        S: * OK [HIGHESTMODSEQ ...] ...
        S: * OK [MAILBOXID (...)] ...
        S: * OK [URLMECH INTERNAL] ...
        S: c OK ...
        C: d FETCH 1:* (FLAGS INTERNALDATE)
        S: * 1 FETCH (FLAGS ($Work \Recent) INTERNALDATE " 1-Jan-2026 00:00:00 +0000")
        S: * 2 FETCH (FLAGS (\Recent) INTERNALDATE " 1-Jan-2026 00:00:00 +0000")
        S: * 3 FETCH (FLAGS (\Seen \Recent) INTERNALDATE " 1-Jan-2026 00:00:00 +0000")
        S: d OK ...
        """
    )


def test_move_tells_copyuid_before_the_expunges(three: Client) -> None:
    three.play(
        """
        C: a MOVE 1,3 Trash
        S: * OK [COPYUID <validity> 1,3 1:2] ...
        S: * 3 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK MOVE completed.
        C: b UID MOVE 2 Trash
        S: * OK [COPYUID <validity> 2 3] ...
        S: * 1 EXPUNGE
        S: b OK MOVE completed.
        C: c STATUS Trash (MESSAGES UIDVALIDITY)
        S: * STATUS Trash (MESSAGES 3 UIDVALIDITY <validity>)
        S: c OK ...
        """
    )


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
def test_a_target_that_does_not_exist(three: Client, command: str) -> None:
    three.play(
        f"""
        C: a {command} 1:* Nowhere
        S: a NO [TRYCREATE] ...
        C: b FETCH 1:* UID
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 2)
        S: * 3 FETCH (UID 3)
        S: b OK ...
        """
    )


def test_uids_that_are_not_there_are_no_error(three: Client) -> None:
    three.play(
        """
        C: a UID COPY 99 Trash
        S: a OK There was nothing to copy.
        C: b UID MOVE 98:99 Trash
        S: b OK There was nothing to move.
        C: c COPY 99 Trash
        S: c BAD ...
        C: d UID COPY 2,99 Trash
        S: d OK [COPYUID ... 2 1] ...
        """
    )


def test_copy_and_move_into_the_same_mailbox(three: Client) -> None:
    three.play(
        """
        C: a COPY 1 INBOX
        S: * 4 EXISTS
        S: * 4 RECENT
        S: a OK [COPYUID ... 1 4] ...
        C: b MOVE 2 INBOX
        S: * OK [COPYUID ... 2 5] ...
        S: * 2 EXPUNGE
        S: * 4 EXISTS
        S: * 4 RECENT
        S: b OK ...
        C: c FETCH 1:* UID
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: * 4 FETCH (UID 5)
        S: c OK ...
        """
    )


def test_into_a_mailbox_that_another_session_has_selected(three: Client, other: Client) -> None:
    other.command("SELECT Trash")
    three.play("C: a COPY 1:2 Trash\nS: a OK ...")
    other.play(
        r"""
        C: a NOOP
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a OK ...
        """
    )
    three.command("MOVE 1:3 Trash")
    other.play(
        r"""
        C: b NOOP
        S: * 5 EXISTS
        S: * 5 RECENT
        S: b OK ...
        C: c FETCH 1:* (UID FLAGS)
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent))
        S: * 2 FETCH (UID 2 FLAGS ($Work \Recent))
        S: * 3 FETCH (UID 3 FLAGS (\Seen \Recent))
        S: * 4 FETCH (UID 4 FLAGS ($Work \Recent))
        S: * 5 FETCH (UID 5 FLAGS (\Recent))
        S: c OK ...
        """
    )
