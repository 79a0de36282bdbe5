"""Several clients change one mailbox at random; each keeps its own list by what it is told, and all agree."""

from __future__ import annotations

import random
import re
from contextlib import ExitStack

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
STEPS = 60


class Follower:
    """A client that knows its mailbox only by untagged responses and by asking for UIDs it does not know."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uids: list[int | None] = []
        self.flags: dict[int, str] = {}

    def do(self, command: str) -> str:
        """Send a command and believe what comes before its answer; returns the answer."""
        *lines, answer = self.client.exchange(command)
        for line in lines:
            self._believe(line)
        return answer

    def _believe(self, line: str) -> None:
        found = re.match(r"\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?$", line)
        if found is None:
            return
        number, word = int(found[1]), found[2]
        if word == "EXPUNGE":
            del self.uids[number - 1]
        elif word == "EXISTS":
            assert number >= len(self.uids), "EXISTS may not take messages away"
            self.uids.extend([None] * (number - len(self.uids)))
        else:
            self._fetched(number, found[3])

    def _fetched(self, number: int, items: str) -> None:
        assert number <= len(self.uids), "FETCH of a number beyond EXISTS"
        uid = re.search(r"UID (\d+)", items)
        if uid is not None:
            known = self.uids[number - 1]
            assert known in {None, int(uid[1])}, "a number came to mean another message unannounced"
            self.uids[number - 1] = int(uid[1])
        flags = re.search(r"FLAGS \(([^)]*)\)", items)
        own = self.uids[number - 1]
        if flags is not None and own is not None:
            self.flags[own] = " ".join(sorted(set(flags[1].split()) - {"\\Recent"}))

    def learn(self) -> None:
        """Ask for all UIDs and flags; nothing may contradict what is known."""
        self.do("NOOP")
        if self.uids:
            assert self.do("FETCH 1:* (UID FLAGS)").startswith("OK")
        assert None not in self.uids


def step(follower: Follower, choose: random.Random) -> None:
    """One thing that a client may do."""
    count = len(follower.uids)
    number = choose.randint(1, count) if count else 0
    commands = ["NOOP", "CHECK", r"SEARCH UNDELETED", "EXPUNGE"]
    if count:
        flag = choose.choice([r"\Seen", r"\Flagged", r"\Deleted", "$Word"])
        sign = choose.choice("+-")
        commands += [
            rf"STORE {number} {sign}FLAGS ({flag})",
            rf"STORE {number}:* {sign}FLAGS.SILENT ({flag})",
            rf"STORE {number} +FLAGS.SILENT (\Deleted)",
            f"FETCH {number}:* (FLAGS)",
            "UID FETCH 1:* (UID FLAGS)",
            f"COPY {number} INBOX",
            f"MOVE {number} INBOX",
            f"FETCH {number} BODY[]<0.1>",
        ]
    if choose.random() < 0.3:
        follower.do(f"APPEND INBOX {{{len(MESSAGE)}+}}\r\n{MESSAGE.decode()}")
    else:
        answer = follower.do(choose.choice(commands))
        assert answer.startswith(("OK", "NO [EXPUNGEISSUED]")), answer


@pytest.mark.parametrize("seed", range(4))
def test_clients_agree(host: ImapHost, user: Login, exits: ExitStack, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    followers = [Follower(exits.enter_context(host.log_in(user, "INBOX"))) for _ in range(3)]
    for _ in range(STEPS):
        step(choose.choice(followers), choose)
    for follower in followers:
        follower.learn()
    first, *others = followers
    for follower in others:
        assert follower.uids == first.uids
        assert {uid: follower.flags[uid] for uid in follower.uids if uid} == {
            uid: first.flags[uid] for uid in first.uids if uid
        }
