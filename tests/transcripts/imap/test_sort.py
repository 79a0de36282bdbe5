"""SORT: RFC 5256, RFC 5957, RFC 5267."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

MESSAGES = (
    (
        '"03-Jan-2026 00:00:00 +0000"',
        b"From: zoe@a.test\r\nSubject: Re: [list] beta\r\n"
        b"Date: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\nlong text here\r\n",
    ),
    (
        '"01-Jan-2026 00:00:00 +0000"',
        b"From: Ann <ann@z.test>\r\nTo: m@x.test\r\nSubject: beta\r\n"
        b"Date: Thu, 1 Jan 2026 13:00:00 +0400\r\n\r\n",
    ),
    (
        '"02-Jan-2026 00:00:00 +0000"',
        b"From: =?utf-8?q?Bj=C3=B6rn?= <BOB@m.test>\r\nTo: a@x.test\r\nCc: k@x.test\r\n"
        b"Subject: Alpha\r\n\r\nx\r\n",
    ),
)


@pytest.fixture
def three(client: Client) -> Client:
    """A session with three messages; the third has no Date field."""
    for date, message in MESSAGES:
        client.append("INBOX", message, date + " ")
    return client


@pytest.mark.parametrize(
    ("criteria", "order"),
    [
        ("ARRIVAL", "2 3 1"),
        ("REVERSE ARRIVAL", "1 3 2"),
        ("DATE", "2 1 3"),
        ("FROM", "2 3 1"),
        ("REVERSE FROM", "1 3 2"),
        ("TO", "1 3 2"),
        ("CC", "1 2 3"),
        ("SUBJECT", "3 1 2"),  # base subjects: 1 and 2 are equal and keep their order
        ("SUBJECT REVERSE ARRIVAL", "3 1 2"),
        ("SUBJECT ARRIVAL", "3 2 1"),
        ("REVERSE SUBJECT DATE", "2 1 3"),
        ("DISPLAYFROM", "2 3 1"),  # Ann, Björn, zoe@a.test
        ("DISPLAYTO", "1 3 2"),  # nobody, a@x.test, m@x.test
    ],
)
def test_criteria(three: Client, criteria: str, order: str) -> None:
    assert three.command(f"SORT ({criteria}) US-ASCII ALL") == [f"* SORT {order}"]


def test_size(three: Client) -> None:
    sizes = [len(message) for _, message in MESSAGES]
    order = sorted(range(1, 4), key=lambda number: sizes[number - 1])
    assert three.command("SORT (SIZE) UTF-8 ALL") == [f"* SORT {' '.join(map(str, order))}"]


def test_only_what_is_found_is_sorted(three: Client) -> None:
    assert three.command("UID SORT (REVERSE DATE) UTF-8 SUBJECT beta") == ["* SORT 1 2"]
    assert three.command("SORT (DATE) UTF-8 KEYWORD none") == ["* SORT"]


@pytest.mark.parametrize(
    "arguments", ["(NONSENSE) UTF-8 ALL", "() UTF-8 ALL", "(DATE) ALL", "(REVERSE) UTF-8 ALL"]
)
def test_what_is_no_sort(three: Client, arguments: str) -> None:
    assert three.refused(f"SORT {arguments}").startswith(("BAD", "NO [BADCHARSET"))


def test_names_are_shown_as_people_read_them_rfc5957_3(client: Client) -> None:
    for author in (b"Zed <a@x>", b"=?utf-8?q?=C3=A9va?= <b@x>", b"Eve <c@x>", b'"" <y@x>', b"team: d@x;"):
        client.append("INBOX", b"From: " + author + b"\r\n\r\n")
    assert client.command("SORT (DISPLAYFROM) UTF-8 ALL") == ["* SORT 3 2 5 4 1"]
    assert client.command("SORT (FROM) UTF-8 ALL") == ["* SORT 1 2 3 5 4"]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("(MIN) (ARRIVAL) UTF-8 ALL", "MIN 2"),
        ("(MAX COUNT) (ARRIVAL) UTF-8 ALL", "MAX 1 COUNT 3"),
        ("() (ARRIVAL) UTF-8 ALL", "ALL 2:3,1"),
        ("(ALL) (REVERSE ARRIVAL) UTF-8 ALL", "ALL 1,3,2"),
        ("(ALL) (SIZE) UTF-8 2", "ALL 2"),
        ("(COUNT) (SIZE) UTF-8 KEYWORD none", "COUNT 0"),
    ],
)
def test_return_rfc5267_3(three: Client, arguments: str, answer: str) -> None:
    three.play(f'C: a SORT RETURN {arguments}\nS: * ESEARCH (TAG "a") {answer}\nS: a OK ...')
    three.play(f'C: b UID SORT RETURN {arguments}\nS: * ESEARCH (TAG "b") UID {answer}\nS: b OK ...')


def test_nothing_found(three: Client) -> None:
    three.play('C: a SORT RETURN (MIN ALL) (SIZE) UTF-8 SEEN\nS: * ESEARCH (TAG "a")\nS: a OK ...')


@pytest.mark.parametrize("options", ["SAVE", "UPDATE", "CONTEXT", "RELEVANCY"])
def test_options_that_are_not_offered(three: Client, options: str) -> None:
    assert three.refused(f"SORT RETURN ({options}) (SIZE) UTF-8 ALL").startswith("BAD")
