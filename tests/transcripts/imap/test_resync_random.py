"""Clients of every kind change two mailboxes at random. What each was told adds up to what a fresh session
sees, and what a client knew at any moment QRESYNC brings up to date, nothing left out (RFC 7162)."""

from __future__ import annotations

import random
import re
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from tests.support.imap_host import Client, ImapHost, Login

MAILBOXES = ("INBOX", "Archive")
MESSAGE = b"Subject: one\r\n\r\nbody\r\n"
FLAGS = (r"\Seen", r"\Flagged", r"\Deleted", "$Word")
STEPS = 120

_HIGHEST = re.compile(r"\[HIGHESTMODSEQ (\d+)\]")
_UIDVALIDITY = re.compile(r"\[UIDVALIDITY (\d+)\]")
_COUNT = re.compile(r"\* (\d+) (EXISTS|EXPUNGE)")
_VANISHED = re.compile(r"\* VANISHED (?:\(EARLIER\) )?(\S+)")
_FETCH = re.compile(r"\* (\d+) FETCH \((?:UID (\d+) ?)?(?:FLAGS \(([^)]*)\) ?)?(?:MODSEQ \((\d+)\))?\)")

Flags = dict[int, frozenset[str]]
"""By UID, without \\Recent."""


@dataclass(frozen=True)
class Cache:
    """What a client has kept when its connection breaks."""

    mailbox: str
    uidvalidity: int
    modseq: int
    flags: Flags


class Follower:
    """A client that believes what it is told. `uids` has None for a message that it has not looked at yet."""

    def __init__(self, client: Client, extension: str) -> None:
        self.client = client
        self.extension = extension
        if extension:
            client.command(f"ENABLE {extension}")

    def select(self, mailbox: str, parameter: str = "", known: Flags | None = None) -> None:
        self.mailbox = mailbox
        self.uids: list[int | None] = []
        self.flags: Flags = dict(known or {})
        self.modseqs: dict[int, int] = {}
        self.do(f"SELECT {mailbox}{parameter}")

    def do(self, command: str) -> None:
        """Send a command and believe its answer."""
        lines = self.client.exchange(command)
        assert lines[-1].startswith(("OK", "NO [EXPUNGEISSUED]")), command
        for line in lines:
            self._believe(line)

    def learn(self) -> None:
        """Hear all that is left to hear, and look at what is new."""
        self.do("NOOP")
        if None in self.uids:
            items = "UID FLAGS MODSEQ" if self.extension else "UID FLAGS"
            self.do(f"FETCH {self.uids.index(None) + 1}:* ({items})")

    def cache(self) -> Cache:
        return Cache(self.mailbox, self.uidvalidity, self.modseq, dict(self.flags))

    def _believe(self, line: str) -> None:
        if found := _COUNT.fullmatch(line):
            self._counted(int(found[1]), found[2])
        elif found := _VANISHED.fullmatch(line):
            self._vanished({uid for span in found[1].split(",") for uid in uids_of(span)})
        elif found := _FETCH.fullmatch(line):
            self._fetched(int(found[1]), *found.groups()[1:])
        elif found := _UIDVALIDITY.search(line):
            self.uidvalidity = int(found[1])
        elif found := _HIGHEST.search(line):
            self.modseq = int(found[1])

    def _counted(self, number: int, word: str) -> None:
        if word == "EXISTS":
            assert number >= len(self.uids), "EXISTS takes no messages away"
            self.uids.extend([None] * (number - len(self.uids)))
        else:
            assert self.extension != "QRESYNC", "EXPUNGE is told as VANISHED"
            self._forget(self.uids.pop(number - 1))

    def _vanished(self, gone: set[int]) -> None:
        self.uids = [uid for uid in self.uids if uid not in gone]
        for uid in gone:
            self._forget(uid)

    def _forget(self, uid: int | None) -> None:
        if uid is not None:
            self.flags.pop(uid, None)
            self.modseqs.pop(uid, None)

    def _fetched(self, number: int, uid: str | None, flags: str | None, modseq: str | None) -> None:
        if uid is not None:
            assert self.uids[number - 1] in (None, int(uid)), "a number came to mean another message"
            self.uids[number - 1] = int(uid)
        own = self.uids[number - 1]
        if own is None:
            return
        if flags is not None:
            self.flags[own] = frozenset(flags.split()) - {"\\Recent"}
        if modseq is not None:
            assert int(modseq) >= self.modseqs.get(own, 0), "MODSEQ only grows"
            self.modseqs[own] = int(modseq)
            self.modseq = max(self.modseq, int(modseq))


def uids_of(span: str) -> range:
    low, _, high = span.partition(":")
    return range(int(low), int(high or low) + 1)


def step(follower: Follower, choose: random.Random) -> None:
    """One thing that a client may do. It looks at once at what is new, as clients do that keep a cache."""
    uids = [uid for uid in follower.uids if uid is not None]
    elsewhere, sign, flag = choose.choice(MAILBOXES), choose.choice("+-"), choose.choice(FLAGS)
    commands = ["NOOP", "UID SEARCH ALL", f"SELECT {elsewhere}"]
    commands += [f"APPEND {elsewhere} ({flag}) {{{len(MESSAGE)}+}}\r\n{MESSAGE.decode()}"] * 3
    if uids:
        one, other = choose.choice(uids), choose.choice(uids)
        number = choose.randint(1, len(uids))
        commands += [
            f"UID STORE {one}:{other} {sign}FLAGS ({flag})",
            f"STORE {number} {sign}FLAGS ({flag})",
        ] * 2
        commands += [f"UID STORE {one} {sign}FLAGS.SILENT ({flag})", f"UID COPY {one} {elsewhere}"]
        commands += [
            f"UID MOVE {one} {elsewhere}",
            "EXPUNGE",
            f"UID EXPUNGE {one}:{other}",
            f"FETCH {number} FLAGS",
        ]
    command = choose.choice(commands)
    if command.startswith("SELECT"):
        follower.select(elsewhere)
    else:
        follower.do(command)
    if ".SILENT" in command and one in follower.flags:
        change = frozenset.union if sign == "+" else frozenset.difference
        follower.flags[one] = change(follower.flags[one], {flag})
    if None in follower.uids:
        follower.learn()


def fresh(host: ImapHost, user: Login, mailbox: str) -> Follower:
    """A session that asks for everything; the counters of STATUS agree with it."""
    with host.log_in(user) as client:
        follower = Follower(client, "CONDSTORE")
        follower.select(mailbox)
        follower.learn()
        unseen = sum("\\Seen" not in flags for flags in follower.flags.values())
        deleted = sum("\\Deleted" in flags for flags in follower.flags.values())
        (status,) = client.command(f"STATUS {mailbox} (MESSAGES UNSEEN DELETED)")
        assert status.endswith(f"(MESSAGES {len(follower.uids)} UNSEEN {unseen} DELETED {deleted})")
        return follower


def resynchronized(host: ImapHost, user: Login, cache: Cache) -> Flags:
    with host.log_in(user) as client:
        follower = Follower(client, "QRESYNC")
        parameter = f" (QRESYNC ({cache.uidvalidity} {cache.modseq}))"
        follower.select(cache.mailbox, parameter, cache.flags)
        return follower.flags


@pytest.mark.parametrize("seed", range(3))
def test_what_was_told_adds_up(host: ImapHost, user: Login, exits: ExitStack, seed: int) -> None:
    choose = random.Random(seed)  # the same every time: a failure can be repeated
    followers = [
        Follower(exits.enter_context(host.log_in(user)), extension)
        for extension in ("", "CONDSTORE", "QRESYNC", "QRESYNC")
    ]
    for follower in followers:
        follower.select(MAILBOXES[0])
    caches = []
    for _ in range(STEPS):
        follower = choose.choice(followers)
        step(follower, choose)
        if follower.extension == "QRESYNC":
            caches.append(follower.cache())
    now = {mailbox: fresh(host, user, mailbox) for mailbox in MAILBOXES}
    for follower in followers:
        follower.learn()
        there = now[follower.mailbox]
        assert (follower.uids, follower.flags) == (there.uids, there.flags)
        assert follower.modseqs.items() <= there.modseqs.items()
    for cache in caches:
        assert resynchronized(host, user, cache) == now[cache.mailbox].flags
