"""UIDONLY (RFC 9586): no sequence number in either direction."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def only(host: ImapHost, user: Login) -> Client:
    """A session without sequence numbers, and UIDs 2, 3 and 4 in INBOX."""
    client = host.log_in(user)
    client.command("ENABLE UIDONLY")
    for _ in range(4):
        client.append("INBOX", MESSAGE)
    client.command("SELECT INBOX")
    client.command(r"UID STORE 1 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    return client


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 FLAGS",
        r"STORE 1 FLAGS (\Seen)",
        "COPY 1 Trash",
        "MOVE 1 Trash",
        "SEARCH ALL",
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFS UTF-8 ALL",
        "UID SEARCH 1",
        "UID SEARCH NOT (OR SEEN 1:*)",
        "UID SORT (DATE) UTF-8 1",
        "SELECT INBOX (QRESYNC (1 1 1:9 (1 1)))",
    ],
)
def test_sequence_numbers_are_refused(only: Client, command: str) -> None:
    assert only.refused(command).startswith("BAD [UIDREQUIRED] ")


def test_fetch_answers_uidfetch(only: Client) -> None:
    only.play(
        r"""
        C: a UID FETCH 1:3 FLAGS
        S: * 2 UIDFETCH (FLAGS (\Recent))
        S: * 3 UIDFETCH (FLAGS (\Recent))
        S: a OK ...
        C: b UID FETCH 4 (UID RFC822.SIZE)
        S: * 4 UIDFETCH (UID 4 RFC822.SIZE 22)
        S: b OK ...
        C: c UID FETCH 4 BODY[TEXT]
        S: * 4 UIDFETCH (BODY[TEXT] {6}
        S: body
        S: ...FLAGS (\Seen \Recent))
        S: c OK ...
        C: d UID STORE 3 +FLAGS (\Flagged)
        S: * 3 UIDFETCH (FLAGS (\Flagged \Recent))
        S: d OK ...
        """
    )


def test_a_large_message(only: Client) -> None:
    only.append("INBOX", b"Subject: x\r\n\r\n" + b"x" * 1_100_000)
    only.send(b"a UID FETCH 5 BODY.PEEK[TEXT]<0.3>\r\n")
    only.play("S: * 5 UIDFETCH (BODY[TEXT]<0> {3}\nS: xxx)\nS: a OK ...")


def test_what_others_do(only: Client, client: Client) -> None:
    client.command(r"UID STORE 2 +FLAGS.SILENT (\Answered)")
    client.command(r"UID STORE 3 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    client.append("INBOX", MESSAGE)
    only.play(
        r"""
        C: a NOOP
        S: * VANISHED 3
        S: * 3 EXISTS
        S: * ... RECENT
        S: * 2 UIDFETCH (FLAGS (\Answered \Recent))
        S: a OK ...
        """
    )


def test_moving_and_searching(only: Client) -> None:
    only.play(
        r"""
        C: a UID MOVE 3 Trash
        S: * OK [COPYUID ... 3 1] ...
        S: * VANISHED 3
        S: a OK ...
        C: b UID SEARCH RETURN (SAVE ALL) ALL
        S: * ESEARCH (TAG "b") UID ALL 2,4
        S: b OK ...
        C: c UID SEARCH $ UID 4
        S: * SEARCH 4
        S: c OK ...
        """
    )


def test_modification_sequences(only: Client) -> None:
    only.command("ENABLE CONDSTORE")
    only.play(
        r"""
        C: a UID STORE 2 +FLAGS.SILENT (\Seen)
        S: * 2 UIDFETCH (MODSEQ (...))
        S: a OK ...
        C: b UID STORE 2,3 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\Draft)
        S: b OK [MODIFIED 2:3] ...
        """
    )


def test_select_tells_no_sequence_number(only: Client) -> None:
    assert not any("UNSEEN" in line for line in only.command("SELECT INBOX"))


def test_enabling_it_in_a_selected_mailbox(client: Client) -> None:
    client.append("INBOX", MESSAGE, r"(\Deleted) ")
    client.append("INBOX", MESSAGE)
    client.play(
        r"""
        C: a ENABLE UIDONLY
        S: * ENABLED UIDONLY
        S: a OK ...
        C: b EXPUNGE
        S: * VANISHED 1
        S: b OK ...
        C: c UID FETCH 2 FLAGS
        S: * 2 UIDFETCH (FLAGS (\Recent))
        S: c OK ...
        """
    )
