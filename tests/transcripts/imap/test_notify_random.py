"""NOTIFY against the mailbox itself: a client that only listens knows what there is (RFC 5465 section 5)."""

from __future__ import annotations

import random
import re

import pytest
from tests.support.imap_host import Client

STEPS = 40
MESSAGE = b"Subject: x\r\n\r\n"
SELECTED = "(selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))"


class Listener:
    """What a client makes of what it hears: (UID, seen) by sequence number, and how much is in Sent."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.messages: list[tuple[int, bool] | None] = []
        self.sent = 0

    def hear(self, line: str) -> None:
        """One line."""
        if found := re.match(r"\* (\d+) EXISTS", line):
            assert int(found[1]) > len(self.messages)
            self.messages += [None] * (int(found[1]) - len(self.messages))
        elif found := re.match(r"\* (\d+) EXPUNGE", line):
            del self.messages[int(found[1]) - 1]
        elif found := re.match(r"\* (\d+) FETCH \(UID (\d+) FLAGS \((.*)\)\)", line):
            self.messages[int(found[1]) - 1] = int(found[2]), "\\Seen" in found[3]
        elif found := re.match(r"\* STATUS Sent \(.*MESSAGES (\d+)", line):
            self.sent = int(found[1])

    def catch_up(self, marker: int) -> None:
        """Read until the STATUS that tells of so many messages in Sent: all before it has been told then."""
        while self.sent != marker:
            self.hear(self.client.line())


@pytest.mark.parametrize("seed", range(2))
def test_who_listens_knows(client: Client, other: Client, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    listener = Listener(other)
    other.command(f"NOTIFY SET {SELECTED} (mailboxes Sent (MessageNew MessageExpunge))")
    for step in range(1, STEPS):
        for _ in range(choose.randint(1, 4)):
            _change(choose, client)
        if choose.random() < 0.3:  # what comes up while a command is under way
            other.send(b"a UID SEARCH ALL\r\n")
            _change(choose, client)
            for line in other.until("a"):
                listener.hear(line)
        client.append("Sent", MESSAGE)
        listener.catch_up(step)
        for line in other.command("NOOP"):
            listener.hear(line)
        (found,) = (line for line in client.command("UID SEARCH ALL") if line.startswith("* SEARCH"))
        (seen,) = (line for line in client.command("UID SEARCH SEEN") if line.startswith("* SEARCH"))
        present, read = _numbers(found), set(_numbers(seen))
        assert listener.messages == [(uid, uid in read) for uid in present]


def _numbers(line: str) -> list[int]:
    return [int(word) for word in line.split()[2:]]


def _change(choose: random.Random, client: Client) -> None:
    low = choose.randint(1, 40)
    match choose.randrange(5):
        case 0 | 1:
            client.append("INBOX", MESSAGE, choose.choice(["", r"(\Seen) "]))
        case 2:
            client.command(f"UID STORE {low}:{low + 5} {choose.choice('+-')}FLAGS.SILENT (\\Seen)")
        case 3:
            client.command(f"UID STORE {low}:{low + 1} +FLAGS.SILENT (\\Deleted)")
        case _:
            client.command("EXPUNGE")
