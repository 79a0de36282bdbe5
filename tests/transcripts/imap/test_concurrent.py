"""Several sessions on one mailbox: RFC 9051 sections 5.2, 5.5 and 7.5.1, RFC 2180."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
BIG = b"Subject: big\r\n\r\n" + b"x" * 600_000


@pytest.fixture
def three(client: Client, other: Client) -> Client:
    """Two sessions that both know three messages."""
    for _ in range(3):
        client.append("INBOX", MESSAGE)
    other.command("NOOP")
    return client


def remove(client: Client, uid: int) -> None:
    client.command(rf"UID STORE {uid} +FLAGS.SILENT (\Deleted)")
    client.command(f"UID EXPUNGE {uid}")


def test_numbers_stay_while_fetch_store_and_search_run(three: Client, other: Client) -> None:
    remove(three, 2)
    other.play(
        r"""
        C: a FETCH 3 UID
        S: * 3 FETCH (UID 3)
        S: a OK ...
        C: b FETCH 1:3 UID
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: b NO [EXPUNGEISSUED] ...
        C: c STORE 2:3 +FLAGS (\Seen)
        S: * 3 FETCH (FLAGS (\Seen))
        S: c NO [EXPUNGEISSUED] ...
        C: d SEARCH ALL
        S: * SEARCH 1 3
        S: d OK ...
        C: e SEARCH 2
        S: * SEARCH
        S: e OK ...
        C: f COPY 1:2 Trash
        S: * 2 EXPUNGE
        S: f NO [EXPUNGEISSUED] ...
        C: g FETCH 1:* UID
        S: * 1 FETCH (UID 1)
        S: * 2 FETCH (UID 3)
        S: g OK ...
        """
    )


def test_uid_commands_may_tell_of_expunges(three: Client, other: Client) -> None:
    remove(three, 2)
    other.play(
        """
        C: a UID FETCH 1:3 UID
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: * 2 EXPUNGE
        S: a OK ...
        """
    )


def test_flag_changes_of_others_come_with_the_next_command(three: Client, other: Client) -> None:
    three.command(r"STORE 1,3 +FLAGS (\Answered)")
    other.play(
        r"""
        C: a NOOP
        S: * 1 FETCH (FLAGS (\Answered))
        S: * 3 FETCH (FLAGS (\Answered))
        S: a OK ...
        C: b NOOP
        S: b OK ...
        """
    )


def test_silent_hides_ones_own_change_alone(three: Client, other: Client) -> None:
    three.command(r"STORE 1 +FLAGS (\Answered)")
    other.play(
        r"""
        C: a STORE 1 +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (FLAGS (\Seen \Answered))
        S: a OK ...
        """
    )


def test_new_mail_is_known_only_after_exists(three: Client, other: Client) -> None:
    three.append("INBOX", MESSAGE)
    other.play(
        """
        C: a FETCH 4 UID
        S: * 4 EXISTS
        S: * 0 RECENT
        S: a BAD There is no message with that sequence number.
        C: b FETCH 4 UID
        S: * 4 FETCH (UID 4)
        S: b OK ...
        """
    )


def test_recent_belongs_to_the_session_that_heard_first(three: Client, other: Client) -> None:
    other.command("SELECT Trash")
    three.append("INBOX", MESSAGE)
    three.play(
        r"""
        C: a FETCH 4 FLAGS
        S: * 4 FETCH (FLAGS (\Recent))
        S: a OK ...
        """
    )
    other.play(
        r"""
        C: a SELECT INBOX
        S: * OK [CLOSED] ...
        S: * FLAGS ...
        S: * 4 EXISTS
        S: * 0 RECENT
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: ...
        S: a OK ...
        C: b FETCH 4 FLAGS
        S: * 4 FETCH (FLAGS ())
        S: b OK ...
        """
    )


def test_both_expunge_the_same_messages(three: Client, other: Client) -> None:
    three.command(r"STORE 1:2 +FLAGS.SILENT (\Deleted)")
    three.play("C: a EXPUNGE\nS: * 2 EXPUNGE\nS: * 1 EXPUNGE\nS: a OK ...")
    other.play("C: a EXPUNGE\nS: * 2 EXPUNGE\nS: * 1 EXPUNGE\nS: a OK ...\nC: b EXPUNGE\nS: b OK ...")


def test_a_message_that_is_moved_away_and_back(three: Client, other: Client) -> None:
    three.command("MOVE 1 Trash")
    three.command("SELECT Trash")
    three.command("MOVE 1 INBOX")
    other.play(
        """
        C: a NOOP
        S: * 1 EXPUNGE
        S: * 3 EXISTS
        S: * 1 RECENT
        S: a OK ...
        C: b FETCH 1:* UID
        S: * 1 FETCH (UID 2)
        S: * 2 FETCH (UID 3)
        S: * 3 FETCH (UID 4)
        S: b OK ...
        """
    )


def begin_to_fetch(client: Client, other: Client, command: str) -> str:
    """Remove 30 of 32 large messages while they are on their way to `other`. Returns the first line of it."""
    client.append("INBOX", BIG)
    for _ in range(5):
        client.command("COPY 1:* INBOX")
    other.command("NOOP")
    other.send(f"f {command}\r\n".encode())
    first = other.line()
    client.command(r"STORE 2:31 +FLAGS.SILENT (\Deleted)")
    client.command("EXPUNGE")
    return first


def test_messages_go_while_they_are_being_fetched(client: Client, other: Client) -> None:
    """RFC 2180 section 4.1: what is still there is sent under its number, and the rest is not invented."""
    first = begin_to_fetch(client, other, "FETCH 1:32 BODY.PEEK[]")
    assert first == f"* 1 FETCH (BODY[] {{{len(BIG)}}}"
    numbers = [1]
    while True:
        assert other.octets(len(BIG)) == BIG
        assert other.line() == ")"
        line = other.line()
        if line.startswith("f "):
            break
        numbers.append(int(line.split()[1]))
        assert line == f"* {numbers[-1]} FETCH (BODY[] {{{len(BIG)}}}"
    assert line.startswith("f NO [EXPUNGEISSUED]")
    assert numbers == sorted(numbers)
    assert numbers[-1] == 32
    assert len(numbers) < 32
    expunged = [line for line in other.command("NOOP") if line.endswith("EXPUNGE")]
    assert expunged == [f"* {number} EXPUNGE" for number in range(31, 1, -1)]
    other.play("C: g FETCH 1:2 UID\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 32)\nS: g OK ...")


def test_messages_go_while_they_are_being_fetched_by_uid(client: Client, other: Client) -> None:
    """RFC 9051 section 6.4.9: that is no error; and EXPUNGE may be told at once, for no number was named."""
    line = begin_to_fetch(client, other, "UID FETCH 1:32 BODY.PEEK[]")
    lines = []
    while not line.startswith("f "):
        lines.append(line)
        if line.endswith("}"):
            assert other.octets(len(BIG)) == BIG
            assert other.line() == ")"
        line = other.line()
    assert line.startswith("f OK [EXPUNGEISSUED]")
    assert f"* 32 FETCH (UID 32 BODY[] {{{len(BIG)}}}" in lines
    assert lines[-30:] == [f"* {number} EXPUNGE" for number in range(31, 1, -1)]
