"""SAVEDATE: RFC 8514."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.support.imap_host import Client

OLD = '"01-Jan-2001 00:00:00 +0000" '
MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def day(moved: int) -> str:
    return f"{datetime.now(UTC).date() + timedelta(days=moved):%d-%b-%Y}"


def saved(client: Client, number: int) -> float:
    (line,) = client.command(f"FETCH {number} (UID SAVEDATE)")
    found = re.fullmatch(r'\* \d+ FETCH \(UID \d+ SAVEDATE "([^"]+)"\)', line)
    assert found is not None, line
    return datetime.strptime(found[1], "%d-%b-%Y %H:%M:%S %z").timestamp()


def test_it_is_when_the_message_came_here_not_its_internal_date(client: Client) -> None:
    before = int(time.time())
    client.append("INBOX", MESSAGE, OLD)
    assert before <= saved(client, 1) <= time.time()


def test_a_copy_has_its_own(client: Client) -> None:
    client.append("INBOX", MESSAGE, OLD)
    before = int(time.time())
    client.command("COPY 1 INBOX")
    client.command("NOOP")
    assert before <= saved(client, 2) <= time.time()


def test_beside_what_is_read_of_rows_and_octets(client: Client) -> None:
    client.append("INBOX", MESSAGE)
    client.play(
        """
        C: a FETCH 1 (SAVEDATE EMAILID BODY.PEEK[TEXT])
        S: * 1 FETCH (SAVEDATE "..." EMAILID (...) BODY[TEXT] {6}
        S: body
        S: )
        S: a OK ...
        """
    )


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (lambda: f"SAVEDBEFORE {day(0)}", ""),
        (lambda: f"SAVEDBEFORE {day(2)}", " 1 2"),
        (lambda: f"SAVEDSINCE {day(-1)}", " 1 2"),
        (lambda: f"SAVEDSINCE {day(2)}", ""),
        (lambda: f"OR SAVEDON {day(0)} SAVEDON {day(-1)}", " 1 2"),
        (lambda: f"NOT SAVEDON {day(-3)} UID 2", " 2"),
        (lambda: "SAVEDATESUPPORTED", " 1 2"),
        (lambda: "NOT SAVEDATESUPPORTED", ""),
        (lambda: f"SAVEDBEFORE {date(2002, 1, 1):%d-%b-%Y}", ""),
    ],
)
def test_search(client: Client, keys: object, found: str) -> None:
    assert callable(keys)
    client.append("INBOX", MESSAGE, OLD)
    client.append("INBOX", MESSAGE)
    assert client.command(f"SEARCH {keys()}") == [f"* SEARCH{found}"]
