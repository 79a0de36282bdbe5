"""FETCH, SEARCH, STORE over a whole mailbox: messages per second, and milliseconds for the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bench.clients.answers import counted, parsed
from bench.clients.appends import fill
from bench.clients.wire import Line, Server, Unexpected, imap_session

BODIES = 1000
FIRST_MOVING = 1001  # from here on numbers have four digits, and answers as many octets as the one before
INDEXING_SECONDS = 0.001  # for each message, from the first search of a mailbox to its index


@dataclass(frozen=True, slots=True)
class Probe:
    """A command and what its answer must be. `undo` is run after each, not measured; `rest_seconds` are let
    pass before the first, in which servers do what they left undone. One that `moves` has two places for
    numbers, and asks each time for as many messages further on, which nobody has asked for before."""

    name: str
    command: bytes
    fetches: int | None = None  # None is every message
    found: int | None = None  # message numbers in the SEARCH response; None is not looked at
    undo: bytes = b""
    rate: bool = True  # figures are messages per second, not milliseconds
    rest_seconds: float = 0.0
    moves: bool = False

    def command_of(self, turn: int) -> bytes:
        """The command as it is sent the first time (turn 0), and then."""
        if not self.moves or self.fetches is None:
            return self.command
        first = FIRST_MOVING + turn * self.fetches
        return self.command % (first, first + self.fetches - 1)


_EVERY = tuple(
    Probe(name, b"FETCH 1:* (" + items + b")")
    for name, items in (
        ("fetch_uid_flags", b"UID FLAGS"),
        ("fetch_envelope_size_date", b"ENVELOPE RFC822.SIZE INTERNALDATE"),
        ("fetch_bodystructure", b"BODYSTRUCTURE"),
        ("fetch_three_headers", b"BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)]"),
    )
)


def probes(messages: int) -> tuple[Probe, ...]:
    """All commands that are measured, for a mailbox that holds so many."""
    bodies = min(messages, BODIES)
    flag, unflag = (b"STORE 1:* " + sign + b"FLAGS.SILENT (\\Flagged)" for sign in (b"+", b"-"))
    return (
        *_EVERY,
        Probe("fetch_bodies", b"FETCH 1:%d (BODY.PEEK[])" % bodies, bodies),
        Probe("fetch_bodies_first", b"FETCH %d:%d (BODY.PEEK[])", messages // 10, moves=True),
        Probe("search_unseen", b"SEARCH UNSEEN", 0, messages, rate=False),
        Probe("search_subject", b'SEARCH SUBJECT "Benchmark message 77 "', 0, 1, rate=False),
        Probe(
            "search_text_no_hit",
            b'SEARCH TEXT "no such words anywhere"',
            0,
            0,
            rate=False,
            rest_seconds=messages * INDEXING_SECONDS,
        ),
        Probe("store_add", flag, 0, None, unflag, rate=False),
    )


class Opened:
    """A filled mailbox, selected, on one connection. `run` gives a probe's figure."""

    def __init__(self, line: Line, messages: int) -> None:
        self.line = line
        self.messages = messages
        self._octets: dict[str, int] = {}
        self._turns: Counter[str] = Counter()

    async def run(self, probe: Probe) -> float:
        """Messages per second, or milliseconds. Raises Unexpected if the answer is not what it must be."""
        if probe.name not in self._octets:
            self._octets[probe.name] = await self._verified(probe)
        self._turns[probe.name] += 1
        answer = await counted(self.line, probe.command_of(self._turns[probe.name]))
        if answer.octets != self._octets[probe.name]:
            raise Unexpected(f"{answer.octets} octets instead of {self._octets[probe.name]} to {probe.name}")
        if probe.undo:
            await counted(self.line, probe.undo)
        fetched = self.messages if probe.fetches is None else probe.fetches
        return fetched / answer.seconds if probe.rate else answer.seconds * 1000

    async def _verified(self, probe: Probe) -> int:
        """Octets of the answer, once it has been taken apart and found right."""
        untagged = await parsed(self.line, probe.command_of(0))
        fetches = sum(b" FETCH (" in response[:40] for response in untagged)
        expected = self.messages if probe.fetches is None else probe.fetches
        if fetches != expected:
            raise Unexpected(f"{fetches} FETCH responses instead of {expected} to {probe.name}")
        found = [len(answer.split()) - 2 for answer in untagged if answer.startswith(b"* SEARCH")]
        if probe.found is not None and sum(found) != probe.found:
            raise Unexpected(f"{sum(found)} messages found instead of {probe.found} by {probe.name}")
        if probe.undo:
            await parsed(self.line, probe.undo)
        return sum(map(len, untagged))


async def opened(server: Server, mailbox: str, messages: int, size: int) -> Opened:
    """Fill the mailbox up to `messages`, all unseen, and select it."""
    line = await imap_session(server)
    try:
        held = await fill(line, mailbox, messages, size)
        if held != messages:
            raise Unexpected(f"{mailbox} holds {held} messages instead of {messages}")
    except BaseException:
        line.close()
        raise
    return Opened(line, held)


async def measure(
    server: Server, *, mailbox: str, messages: int, size: int, rounds: int
) -> dict[str, object]:
    """Each command `rounds` times; the best counts."""
    session = await opened(server, mailbox, messages, size)
    result: dict[str, object] = {"what": "fetch", "messages": session.messages, "octets": size}
    for probe in probes(messages):
        await asyncio.sleep(probe.rest_seconds)
        best: Callable[[list[float]], float] = max if probe.rate else min
        figure = best([await session.run(probe) for _ in range(rounds)])
        result[probe.name + ("_per_second" if probe.rate else "_ms")] = round(figure, 2)
    session.line.close()
    return result
