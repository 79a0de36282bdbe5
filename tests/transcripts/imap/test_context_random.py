"""CONTEXT=SEARCH against a plain search: whatever happens, what was told adds up to what is found."""

from __future__ import annotations

import random
import re

import pytest
from tests.support.imap_host import Client

from mailkeep.model.uids import UidSet

STEPS = 60
PROGRAM = "OR FLAGGED (UNSEEN SUBJECT odd)"
_MOVED = re.compile(r"(ADDTO|REMOVEFROM) \(0 ([0-9:,]+)\)")


def change(choose: random.Random, client: Client, uids: list[int]) -> None:
    """One thing that somebody does to the mailbox."""
    uid = choose.choice(uids) if uids else 1
    match choose.randrange(6):
        case 0 | 1:
            flags = choose.choice(["", r"(\Flagged) ", r"(\Seen) "])
            client.append("INBOX", b"Subject: %b\r\n\r\n" % choose.choice([b"odd", b"even"]), flags)
        case 2 | 3:
            sign, flag = choose.choice("+-"), choose.choice([r"\Flagged", r"\Seen"])
            client.command(f"UID STORE {uid}:{uid + 2} {sign}FLAGS.SILENT ({flag})")
        case 4:
            client.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
        case _:
            client.command("EXPUNGE")


def follow(lines: list[str], by_uid: set[int], by_number: list[int]) -> None:
    """Take in what the server said, line by line, as a client would. `by_number` holds numbers."""
    for line in lines:
        gone = re.match(r"\* (\d+) EXPUNGE", line)
        if gone:
            number = int(gone[1])
            assert number not in by_number, "a message left before its REMOVEFROM"
            by_number[:] = [one - (one > number) for one in by_number]
        for word, text in _MOVED.findall(line):
            moved = set(UidSet.parse(text))
            held = by_uid if ") UID " in line else set(by_number)
            assert held.isdisjoint(moved) if word == "ADDTO" else held >= moved
            held = held | moved if word == "ADDTO" else held - moved
            if ") UID " in line:
                by_uid.clear()
                by_uid.update(held)
            else:
                by_number[:] = sorted(held)


@pytest.mark.parametrize("seed", range(2))
def test_updates_add_up(client: Client, other: Client, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    client.command(f"UID SEARCH RETURN (UPDATE) {PROGRAM}")
    client.command(f"SEARCH RETURN (UPDATE) {PROGRAM}")
    by_uid: set[int] = set()
    by_number: list[int] = []
    for _ in range(STEPS):
        for _ in range(choose.randint(1, 3)):
            change(choose, other, found_in(other.command("UID SEARCH ALL")))
        if choose.random() < 0.3:  # a command that may not tell of expunges
            follow(client.exchange("FETCH 1:* UID"), by_uid, by_number)
        follow(client.command("NOOP"), by_uid, by_number)
        assert sorted(by_uid) == found_in(client.command(f"UID SEARCH {PROGRAM}"))
        assert by_number == found_in(client.command(f"SEARCH {PROGRAM}"))


def found_in(lines: list[str]) -> list[int]:
    """The numbers of a SEARCH response; whatever stands beside it comes from others."""
    (line,) = (line for line in lines if line.startswith("* SEARCH"))
    return [int(word) for word in line.split()[2:]]
