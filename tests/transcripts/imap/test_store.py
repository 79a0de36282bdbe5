"""STORE: RFC 9051 section 6.4.6."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
def three(client: Client) -> Client:
    """A session with three messages."""
    for _ in range(3):
        client.append("INBOX", MESSAGE)
    return client


def test_set_add_remove(three: Client) -> None:
    three.play(
        r"""
        C: a STORE 1 FLAGS (\Seen \Answered $Work)
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
        S: * 1 FETCH (FLAGS (\Seen \Answered $Work \Recent))
        S: a OK STORE completed.
        C: b STORE 1 +FLAGS \Flagged $work
        S: * 1 FETCH (FLAGS (\Seen \Answered \Flagged $Work \Recent))
        S: b OK ...
        C: c STORE 1 -FLAGS ($WORK \Seen)
        S: * 1 FETCH (FLAGS (\Answered \Flagged \Recent))
        S: c OK ...
        C: d STORE 1 FLAGS ()
        S: * 1 FETCH (FLAGS (\Recent))
        S: d OK ...
        C: e UID STORE 2:3 +FLAGS (\Draft)
        S: * 2 FETCH (UID 2 FLAGS (\Draft \Recent))
        S: * 3 FETCH (UID 3 FLAGS (\Draft \Recent))
        S: e OK ...
        """
    )


def test_silent_says_nothing_of_ones_own_change(three: Client) -> None:
    three.play(
        r"""
        C: a STORE 1:* +FLAGS.SILENT (\Seen)
        S: a OK STORE completed.
        C: b FETCH 1:* FLAGS
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: * 2 FETCH (FLAGS (\Seen \Recent))
        S: * 3 FETCH (FLAGS (\Seen \Recent))
        S: b OK ...
        """
    )


def test_flags_that_a_message_has_already_are_told_all_the_same(three: Client) -> None:
    three.play(
        r"""
        C: a STORE 2 +FLAGS.SILENT (\Seen)
        S: a OK ...
        C: b STORE 2 +FLAGS (\Seen)
        S: * 2 FETCH (FLAGS (\Seen \Recent))
        S: b OK ...
        """
    )


@pytest.mark.parametrize(
    "arguments",
    [r"1 +FLAGS (\Unheard)", f"1 +FLAGS ({'k' * 200})", "1 +FLAGS (a b", "1 FLAG (x)", "9 +FLAGS (x)", "1"],
)
def test_what_cannot_be_stored(three: Client, arguments: str) -> None:
    assert three.refused(f"STORE {arguments}").startswith(("BAD", "NO [CANNOT]"))


def test_recent_cannot_be_stored(three: Client) -> None:
    three.play(
        r"""
        C: a STORE 1 FLAGS (\Recent \Seen)
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: a OK ...
        C: b STORE 1 -FLAGS (\Recent)
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: b OK ...
        """
    )


def test_too_many_keywords(three: Client) -> None:
    words = " ".join(f"word{number}" for number in range(100))
    assert three.refused(f"STORE 1 +FLAGS ({words})").startswith("NO [CANNOT]")
    three.play(
        r"""
        C: z FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: z OK ...
        """
    )
