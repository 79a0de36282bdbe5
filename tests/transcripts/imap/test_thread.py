"""THREAD: RFC 5256 and draft-ietf-morg-inthread."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client

DAY = '"{day:02}-Jan-2026 00:00:00 +0000"'
# (day of arrival, header): 2 answers 1, 4 answers what is not here, as 5 does; 6 has the subject of 1.
MESSAGES = (
    (1, b"Message-ID: <a@x>\r\nSubject: Plan\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n"),
    (
        9,
        b"Message-ID: <b@x>\r\nSubject: Re: Plan\r\nReferences: <a@x>\r\n"
        b"Date: Thu, 1 Jan 2026 11:00:00 +0000\r\n",
    ),
    (3, b"Message-ID: <c@x>\r\nSubject: Lunch\r\nDate: Thu, 1 Jan 2026 09:00:00 +0000\r\n"),
    (
        4,
        b"Message-ID: <d@x>\r\nSubject: Re: Gone\r\nIn-Reply-To: <gone@x>\r\n"
        b"Date: Sat, 3 Jan 2026 10:00:00 +0000\r\n",
    ),
    (
        5,
        b"Message-ID: <e@x>\r\nSubject: Other\r\nReferences: <gone@x>\r\n"
        b"Date: Fri, 2 Jan 2026 10:00:00 +0000\r\n",
    ),
    (
        6,
        b"Message-ID: <f@x>\r\nSubject: =?utf-8?q?PLAN?=\r\nDate: Sun, 4 Jan 2026 10:00:00 +0000\r\n",
    ),
)


@pytest.fixture
def six(client: Client) -> Client:
    """A session with six messages."""
    for day, header in MESSAGES:
        client.append("INBOX", header + b"\r\n", DAY.format(day=day) + " ")
    return client


@pytest.mark.parametrize(
    ("algorithm", "threads"),
    [
        ("ORDEREDSUBJECT", "(3)(1 (2)(6))(5)(4)"),
        ("REFERENCES", "(3)((1 2)(6))((5)(4))"),
        ("refs", "(3)((5)(4))(6)(1 2)"),  # by the latest arrival
    ],
)
def test_algorithms(six: Client, algorithm: str, threads: str) -> None:
    assert six.command(f"THREAD {algorithm} UTF-8 ALL") == [f"* THREAD {threads}"]


def test_only_what_is_found_is_threaded(six: Client) -> None:
    assert six.command("THREAD REFERENCES US-ASCII SUBJECT plan 2:6") == ["* THREAD (6 2)"]
    assert six.command("THREAD REFERENCES US-ASCII KEYWORD none") == ["* THREAD"]


def test_uids_are_shown_by_uid_thread(six: Client) -> None:
    six.command(r"STORE 3 +FLAGS.SILENT (\Deleted)")
    six.command("EXPUNGE")
    assert six.command("UID THREAD REFERENCES UTF-8 ALL") == ["* THREAD ((1 2)(6))((5)(4))"]
    assert six.command("THREAD REFERENCES UTF-8 ALL") == ["* THREAD ((1 2)(5))((4)(3))"]


def test_one_message_twice_in_a_mailbox(client: Client) -> None:
    client.append("INBOX", b"Message-ID: <a@x>\r\nSubject: one\r\n\r\n")
    client.append("INBOX", b"Message-ID: <b@x>\r\nSubject: two\r\nReferences: <a@x>\r\n\r\n")
    client.command("COPY 1:2 INBOX")
    assert client.command("THREAD REFS UTF-8 ALL") == ["* THREAD (3)(1 (2)(4))"]


def test_what_refers_to_itself_and_in_circles(client: Client) -> None:
    client.append("INBOX", b"Message-ID: <a@x>\r\nReferences: <a@x>\r\n\r\n")
    client.append("INBOX", b"Message-ID: <b@x>\r\nReferences: <c@x>\r\n\r\n")
    client.append("INBOX", b"Message-ID: <c@x>\r\nReferences: <b@x>\r\n\r\n")
    client.append("INBOX", b"\r\n")
    assert client.command("THREAD REFERENCES UTF-8 ALL") == ["* THREAD (1)(3 2)(4)"]


@pytest.mark.parametrize(
    "arguments", ["JWZ UTF-8 ALL", "REFERENCES ALL", "REFERENCES KOI-9 ALL", "REFS UTF-8"]
)
def test_what_is_no_thread(client: Client, arguments: str) -> None:
    assert client.refused(f"THREAD {arguments}").startswith(("BAD", "NO [BADCHARSET"))


def test_the_last_reference_is_answered_wherever_else_it_stands(client: Client) -> None:
    client.append("INBOX", b"Message-ID: <a@x>\r\n\r\n")
    client.append("INBOX", b"Message-ID: <b@x>\r\nReferences: <a@x>\r\n\r\n")
    client.append("INBOX", b"Message-ID: <c@x>\r\nReferences: <a@x> <b@x> <a@x>\r\n\r\n")
    assert "* THREAD (1 (2)(3))" in client.command("THREAD REFS UTF-8 ALL")
