"""CONTEXT=SEARCH (RFC 5267): results that are followed."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def three(client: Client, other: Client) -> Client:
    """A session with three messages, of which the second is flagged."""
    for number in range(3):
        client.append("INBOX", MESSAGE, r"(\Flagged) " if number == 1 else "")
    client.command("NOOP")
    other.command("NOOP")
    return client


def test_what_others_change(three: Client, other: Client) -> None:
    three.play(
        'C: B1 UID SEARCH RETURN (UPDATE COUNT) FLAGGED\nS: * ESEARCH (TAG "B1") UID COUNT 1\nS: B1 OK ...'
    )
    other.command(r"UID STORE 1 +FLAGS.SILENT (\Flagged)")
    other.command(r"UID STORE 2 -FLAGS.SILENT (\Flagged)")
    three.play(
        r"""
        C: a NOOP
        S: * 1 FETCH (FLAGS (\Flagged \Recent))
        S: * 2 FETCH (FLAGS (\Recent))
        S: * ESEARCH (TAG "B1") UID REMOVEFROM (0 2) ADDTO (0 1)
        S: a OK ...
        C: b NOOP
        S: b OK ...
        """
    )


def test_what_comes_and_goes_by_number(three: Client, other: Client) -> None:
    three.play('C: B1 SEARCH RETURN (UPDATE ALL) FLAGGED\nS: * ESEARCH (TAG "B1") ALL 2\nS: B1 OK ...')
    other.append("INBOX", MESSAGE, r"(\Flagged) ")
    other.append("INBOX", MESSAGE)
    three.play(
        """
        C: a NOOP
        S: * 5 EXISTS
        S: * ... RECENT
        S: * ESEARCH (TAG "B1") ADDTO (0 4)
        S: a OK ...
        """
    )
    other.command(r"UID STORE 1,2 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    three.play(
        r"""
        C: b FETCH 4 UID
        S: * 4 FETCH (UID 4)
        S: * ESEARCH (TAG "B1") REMOVEFROM (0 2)
        S: b OK ...
        C: c NOOP
        S: * 2 EXPUNGE
        S: * 1 EXPUNGE
        S: c OK ...
        """
    )


def test_removals_stand_before_expunges(three: Client, other: Client) -> None:
    """RFC 5267 section 4.3.4: the numbers have to be in force still."""
    three.command("SEARCH RETURN (UPDATE) ALL")
    other.command(r"UID STORE 1,3 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    lines = three.command("NOOP")
    assert lines[0].endswith(" REMOVEFROM (0 1,3)")
    assert lines[1:3] == ["* 3 EXPUNGE", "* 1 EXPUNGE"]


def test_ones_own_changes_count(three: Client) -> None:
    three.command("UID SEARCH RETURN (UPDATE) SEEN")
    lines = three.command(r"UID STORE 3 +FLAGS.SILENT (\Seen)")
    assert [line.partition(") ")[2] for line in lines] == ["UID ADDTO (0 3)"]
    three.append("INBOX", MESSAGE, r"(\Seen) ")
    assert three.command("NOOP") == []
    lines = three.command("UID FETCH 1 BODY[TEXT]")
    assert lines[-1].endswith("UID ADDTO (0 1)")


def test_text_is_looked_at(three: Client, other: Client) -> None:
    three.command("UID SEARCH RETURN (UPDATE) BODY needle")
    other.append("INBOX", b"Subject: x\r\n\r\na needle\r\n")
    other.append("INBOX", b"Subject: needle\r\n\r\nno\r\n")
    lines = three.command("NOOP")
    assert lines[-1].endswith("UID ADDTO (0 4)")


def test_idle_hears_at_once(three: Client, other: Client) -> None:
    three.play(
        'C: B1 UID SEARCH RETURN (UPDATE COUNT) ALL\nS: * ESEARCH (TAG "B1") UID COUNT 3\nS: B1 OK ...'
    )
    three.play("C: a IDLE\nS: + ...")
    other.append("INBOX", MESSAGE)
    three.play('S: * 4 EXISTS\nS: * ... RECENT\nS: * ESEARCH (TAG "B1") UID ADDTO (0 4)')
    other.command(r"UID STORE 4 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    three.play("S: * 4 FETCH ...")
    three.play('S: * ESEARCH (TAG "B1") UID REMOVEFROM (0 4)\nS: * 4 EXPUNGE\nC: DONE\nS: a OK ...')


def test_sets_of_numbers_mean_what_they_meant(three: Client, other: Client) -> None:
    """RFC 5267 section 4.3: they are evaluated when the command is received."""
    three.command("UID SEARCH RETURN (UPDATE) 1:2 UNSEEN")
    three.command("UID SEARCH RETURN (UPDATE) UID 3:*")
    other.command(r"UID STORE 1 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    other.append("INBOX", MESSAGE)
    told = [line.partition(") ")[2] for line in three.command("NOOP") if "ESEARCH" in line]
    assert told == ["UID REMOVEFROM (0 1)", "UID ADDTO (0 4)"]


def test_the_last_message_is_another_one_when_one_comes(three: Client, other: Client) -> None:
    three.play(
        """
        C: a UID SEARCH RETURN (UPDATE ALL) UID *
        S: * ESEARCH (TAG "a") UID ALL 3
        S: a OK ...
        """
    )
    other.append("INBOX", MESSAGE)
    assert '* ESEARCH (TAG "a") UID REMOVEFROM (0 3) ADDTO (0 4)' in three.command("NOOP")
    other.command(r"UID STORE 4 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    told = three.command("NOOP")
    assert told[0] == '* ESEARCH (TAG "a") UID REMOVEFROM (0 4)'
    assert told[-1] == '* ESEARCH (TAG "a") UID ADDTO (0 3)'


def test_a_saved_result_means_what_it_meant(three: Client, other: Client) -> None:
    """Also in a search that saves its own result in that place (RFC 5182)."""
    three.command("SEARCH RETURN (SAVE) 1:2")
    three.play(
        """
        C: a SEARCH RETURN (SAVE UPDATE) $ ANSWERED
        S: a OK ...
        """
    )
    other.command(r"STORE 2:3 +FLAGS.SILENT (\Answered)")
    assert '* ESEARCH (TAG "a") ADDTO (0 2)' in three.command("NOOP")


def test_who_turns_to_uids_hears_uids(three: Client, other: Client) -> None:
    """RFC 9586: also of a search whose results were numbers."""
    other.command(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    three.play(
        """
        C: a NOOP
        S: * 1 EXPUNGE
        S: a OK ...
        C: b SEARCH RETURN (UPDATE COUNT) UNANSWERED
        S: * ESEARCH (TAG "b") COUNT 2
        S: b OK ...
        C: c ENABLE UIDONLY
        S: * ENABLED UIDONLY
        S: c OK ...
        """
    )
    other.command(r"STORE 1 +FLAGS.SILENT (\Answered)")
    assert '* ESEARCH (TAG "b") UID REMOVEFROM (0 2)' in three.command("NOOP")
    other.command(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    other.command("EXPUNGE")
    assert three.command("NOOP")[:2] == ['* ESEARCH (TAG "b") UID REMOVEFROM (0 3)', "* VANISHED 3"]


def test_cancelling(three: Client, other: Client) -> None:
    three.play(
        'C: B1 UID SEARCH RETURN (UPDATE COUNT) ALL\nS: * ESEARCH (TAG "B1") UID COUNT 3\nS: B1 OK ...'
    )
    three.play("C: B1 SEARCH RETURN (UPDATE) ALL\nS: B1 BAD ...")
    three.play('C: a CANCELUPDATE "B2"\nS: a BAD ...\nC: b CANCELUPDATE "B1"\nS: b OK ...')
    other.append("INBOX", MESSAGE)
    assert not any("ESEARCH" in line for line in three.command("NOOP"))


def test_selecting_ends_it(three: Client, other: Client) -> None:
    three.command("UID SEARCH RETURN (UPDATE) ALL")
    three.command("SELECT INBOX")
    other.append("INBOX", MESSAGE)
    assert not any("ESEARCH" in line for line in three.command("NOOP"))


def test_too_many(three: Client) -> None:
    for _ in range(16):
        assert three.command("SEARCH RETURN (UPDATE) ALL") == []
    three.play(
        """
        C: B9 SEARCH RETURN (UPDATE COUNT) ALL
        S: * ESEARCH (TAG "B9") COUNT 3
        S: * NO [NOUPDATE "B9"] ...
        S: B9 OK ...
        """
    )


def test_what_is_not_selected_is_not_followed(three: Client) -> None:
    three.play(
        """
        C: a ESEARCH IN (mailboxes INBOX) RETURN (UPDATE COUNT) ALL
        S: * NO [NOUPDATE "a"] Only a search of the selected mailbox is followed.
        S: * ESEARCH (TAG "a" MAILBOX INBOX ...) UID COUNT 3
        S: a OK ...
        C: b CANCELUPDATE "a"
        S: b BAD ...
        """
    )


def test_through_esearch(three: Client, other: Client) -> None:
    """RFC 7377 section 2.2: updates are of the selected mailbox."""
    three.command("ESEARCH IN (selected) RETURN (UPDATE CONTEXT) FLAGGED")
    other.command(r"UID STORE 3 +FLAGS.SILENT (\Flagged)")
    assert three.command("NOOP")[-1].endswith("UID ADDTO (0 3)")


def test_the_hint_changes_nothing(three: Client) -> None:
    three.play('C: a SEARCH RETURN (CONTEXT COUNT) ALL\nS: * ESEARCH (TAG "a") COUNT 3\nS: a OK ...')
