"""SEARCH=FUZZY: RFC 6203."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client


def message(subject: str, body: str = "nothing") -> bytes:
    return f"From: Bob <bob@example.org>\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


@pytest.fixture
def letters(client: Client) -> Client:
    """Messages that say nearly the same."""
    client.append("INBOX", message("IMAP break", "the quarterly budget"), r"(\Seen) ")
    client.append("INBOX", message("break of IMAP servers"))
    client.append("INBOX", message("IMAP braek"))
    client.append("INBOX", message("=?utf-8?q?r=C3=A9sum=C3=A9?=", "a bugdet for the quarter"))
    client.append("INBOX", message("lunch"))
    return client


def test_words_in_another_order_and_with_a_slip_are_found_too(letters: Client) -> None:
    letters.play(
        """
        C: a SEARCH FUZZY (SUBJECT "IMAP break")
        S: * SEARCH 1 2 3
        S: a OK ...
        C: b SEARCH SUBJECT "IMAP break"
        S: * SEARCH 1
        S: b OK ...
        C: c SEARCH FUZZY SUBJECT resume
        S: * SEARCH 4
        S: c OK ...
        C: d SEARCH FUZZY BODY "budget quarter"
        S: * SEARCH 1 4
        S: d OK ...
        """
    )


def test_what_is_not_fuzzy_stays_exact(letters: Client) -> None:
    letters.play(
        """
        C: a SEARCH FUZZY SUBJECT "braek" FROM "bobb"
        S: * SEARCH
        S: a OK ...
        C: b SEARCH FUZZY (SUBJECT "break" SEEN)
        S: * SEARCH 1
        S: b OK ...
        C: c SEARCH NOT FUZZY SUBJECT "IMAP break"
        S: * SEARCH 4:5
        S: c OK ...
        """.replace("4:5", "4 5")
    )


def test_relevancy_is_told_in_the_order_of_the_results(letters: Client) -> None:
    letters.play(
        """
        C: a SEARCH RETURN (ALL RELEVANCY) FUZZY SUBJECT "IMAP break"
        S: * ESEARCH (TAG "a") ALL 1:3 RELEVANCY (100 90 72)
        S: a OK ...
        C: b SEARCH RETURN (RELEVANCY) OR FUZZY SUBJECT "lunhc" FUZZY SUBJECT "imap braek"
        S: * ESEARCH (TAG "b") ALL 1:3,5 RELEVANCY (72 72 100 54)
        S: b OK ...
        C: c UID SEARCH RETURN (COUNT RELEVANCY PARTIAL 2:3) FUZZY SUBJECT "IMAP break"
        S: * ESEARCH (TAG "c") UID COUNT 3 PARTIAL (2:3 2:3) RELEVANCY (90 72)
        S: c OK ...
        C: d SEARCH RETURN (COUNT RELEVANCY) FUZZY SUBJECT "holidays"
        S: * ESEARCH (TAG "d") COUNT 0
        S: d OK ...
        C: e SEARCH RETURN (RELEVANCY) FUZZY SEEN
        S: * ESEARCH (TAG "e") ALL 1 RELEVANCY (100)
        S: e OK ...
        """
    )


def test_sorting_begins_with_the_most_relevant(letters: Client) -> None:
    letters.play(
        """
        C: a SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "imap braek"
        S: * SORT 3 1 2
        S: a OK ...
        C: b SORT (REVERSE RELEVANCY REVERSE ARRIVAL) UTF-8 FUZZY SUBJECT "IMAP break"
        S: * SORT 3 2 1
        S: b OK ...
        C: c ESEARCH IN (personal) RETURN (ALL RELEVANCY) FUZZY SUBJECT "break"
        S: * ESEARCH (TAG "c" MAILBOX INBOX UIDVALIDITY <v>) UID ALL 1:3 RELEVANCY (100 100 54)
        S: c OK ...
        """
    )


@pytest.mark.parametrize(
    "command",
    [
        "SEARCH RETURN (RELEVANCY) SUBJECT x",
        "SORT (RELEVANCY) UTF-8 SUBJECT x",
        "SORT RETURN (RELEVANCY) (DATE) UTF-8 ALL",
        "SEARCH FUZZY",
        "SEARCH FUZZY FUZZY",
    ],
)
def test_relevancy_without_fuzzy_is_refused(letters: Client, command: str) -> None:
    assert letters.refused(command).startswith("BAD")
