"""Which rows there are, and which servers stand in each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from bench.clients import appends, commands, deliveries, endtoend, fetch, idle, logins, memory, pop3
from bench.clients.deliveries import Load
from bench.clients.wire import Server
from bench.peers.dovecot import Dovecot
from bench.peers.mailkeep import Mailkeep
from bench.peers.peer import DOMAIN, Peer
from bench.peers.postfix import SINK_DOMAIN, Postfix
from bench.peers.rows import Measure, Row, Unit

SENDER = "sender@bench.test"
SIZE = 4096
LARGE = 100_000
ENDLESS = 1_000_000
PASSES = 5
"""Times that a maildrop is read through in one session, of which the fastest counts: pipelined, one takes
milliseconds, and other work on the machine takes most of them."""

LABELS = {
    "fetch_uid_flags": "FETCH 1:* (UID FLAGS), messages",
    "fetch_envelope_size_date": "FETCH 1:* (ENVELOPE RFC822.SIZE INTERNALDATE), messages",
    "fetch_bodystructure": "FETCH 1:* BODYSTRUCTURE, messages",
    "fetch_three_headers": "FETCH 1:* three header fields, messages",
    "fetch_bodies": "FETCH of 1,000 bodies of 4 KB, messages",
    "fetch_bodies_first": "FETCH of 1,000 bodies of 4 KB, not read before, messages",
    "search_unseen": "SEARCH UNSEEN",
    "search_subject": "SEARCH SUBJECT, one hit",
    "search_text_no_hit": "SEARCH TEXT, no hit",
    "store_add": "STORE 1:* +FLAGS.SILENT",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. `seconds` is for one figure of a rate."""

    messages: int = 10_000
    rounds: int = 3
    seconds: float = 0.8
    connections: int = 200
    notices: int = 10
    maildrop: int = 1000
    end_to_end: int = 1000
    fresh_keys: int = 80
    deadline_seconds: float = 400.0


QUICK = Scale(2000, 2, 0.4, 50, 3, 300, 200, 30, 80.0)


@dataclass(slots=True)
class Servers:
    """All that run."""

    shipped: Dovecot
    reused: Dovecot
    maildir: Dovecot
    postfix: Postfix
    ours: tuple[Mailkeep, ...]


@dataclass(slots=True)
class Measurements:
    """Makes the rows. Filled mailboxes are kept open from row to row."""

    servers: Servers
    scale: Scale
    _opened: dict[str, fetch.Opened] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """In the table's order; idle memory first, while the processes are fresh."""
        yield from self._memory()
        yield from self._imap_logins()
        yield from self._mailbox()
        yield from self._imap_commands()
        yield from self._pop3()
        yield from self._smtp()

    def _row(
        self,
        name: str,
        unit: Unit,
        measure: Callable[[Peer], Awaitable[float]],
        peers: tuple[Peer, ...],
        rounds: int = 0,
    ) -> Row:
        columns = tuple((peer.name, _bound(measure, peer)) for peer in (*peers, *self.servers.ours))
        return Row(name, unit, columns, rounds or self.scale.rounds)

    # --- IMAP ------------------------------------------------------------------------------------

    def _memory(self) -> Iterator[Row]:
        for listener, label in (("imap", "no TLS"), ("imaps", "TLS")):

            async def measure(peer: Peer, listener: str = listener) -> float:
                server = peer.reader(listener, peer.account("idle"))
                found = await memory.measure(server, pids=peer.pids, connections=self.scale.connections)
                return _number(found, "kib_per_connection")

            name = f"Memory of an idle IMAP connection, {label}"
            yield self._row(name, Unit.KIB, measure, (self.servers.shipped,), 1)

    def _imap_logins(self) -> Iterator[Row]:
        async def warm(peer: Peer) -> float:
            server = peer.reader("imap", peer.account("login"))
            return _rate(await logins.measure(server, count=ENDLESS, sessions=10, seconds=self.scale.seconds))

        async def cold(peer: Peer) -> float:
            server = peer.reader("imap", peer.account("login"))
            count = self.scale.fresh_keys
            keys = peer.fresh_keys("login", count) if isinstance(peer, Mailkeep) else ()
            return _rate(await logins.measure(server, count=count, sessions=10, keys=keys))

        both = (self.servers.shipped, self.servers.reused)
        yield self._row("IMAP logins, ten at a time, warm key", Unit.RATE, warm, both)
        yield self._row("IMAP logins, ten at a time, each with a key never seen", Unit.RATE, cold, both)

    def _mailbox(self) -> Iterator[Row]:
        for probe in fetch.probes(self.scale.messages):

            async def measure(peer: Peer, probe: fetch.Probe = probe) -> float:
                return await (await self._filled(peer)).run(probe)

            peers: tuple[Peer, ...] = (self.servers.shipped,)
            if probe.name.startswith("store"):
                peers = (self.servers.shipped, self.servers.maildir)
            unit = Unit.RATE if probe.rate else Unit.MILLISECONDS
            row = self._row(LABELS[probe.name], unit, measure, peers)
            yield replace(row, rest_seconds=probe.rest_seconds)

    async def _filled(self, peer: Peer) -> fetch.Opened:
        if peer.name not in self._opened:
            server = peer.reader("imap", peer.account("reader"))
            self._opened[peer.name] = await fetch.opened(server, "Bench", self.scale.messages, SIZE)
        return self._opened[peer.name]

    def _imap_commands(self) -> Iterator[Row]:
        for mailboxes, label in ((1, "one connection"), (8, "eight mailboxes")):

            async def append(peer: Peer, mailboxes: int = mailboxes) -> float:
                server = peer.reader("imap", peer.account("appender"))
                seconds = self.scale.seconds
                return _rate(
                    await appends.measure(
                        server, mailboxes=mailboxes, count=ENDLESS, size=SIZE, seconds=seconds
                    )
                )

            both = (self.servers.shipped, self.servers.maildir)
            yield self._row(f"APPEND of 4 KB, {label}", Unit.RATE, append, both)

        async def small(peer: Peer) -> float:
            return _rate(await commands.measure(peer.reader("imap", peer.account("small")), batches=40))

        async def notice(peer: Peer) -> float:
            account = peer.account("notice")
            reader, inlet = peer.reader("imap", account), peer.inlet()
            found = await idle.measure(
                reader, inlet, sender=SENDER, to=account.address, messages=self.scale.notices, pause=0.02
            )
            spread = found["from_mail_to_exists"]
            assert isinstance(spread, dict)
            return float(spread["median_ms"])

        yield self._row("Small IMAP commands, pipelined", Unit.RATE, small, (self.servers.shipped,))
        name = "From MAIL to IDLE's notice, median"
        yield self._row(name, Unit.MILLISECONDS, notice, (self.servers.shipped,), 1)

    # --- POP3 ------------------------------------------------------------------------------------

    def _pop3(self) -> Iterator[Row]:
        async def log_in(peer: Peer) -> float:
            server = peer.reader("pop3", peer.account("login"))
            return _rate(pop3.measure_logins(server, ENDLESS, self.scale.seconds))

        both = (self.servers.shipped, self.servers.reused)
        yield self._row("POP3 sessions, one after the other, warm key", Unit.RATE, log_in, both)
        for way, label in ((pop3.one_by_one, "one by one"), (pop3.pipelined, "pipelined")):

            async def retrieve(peer: Peer, way: pop3.Way = way) -> float:
                return pop3.measure_retrievals(await self._maildrop(peer), way, PASSES).per_second

            yield self._row(f"RETR of 4 KB, {label}", Unit.RATE, retrieve, (self.servers.shipped,))

    async def _maildrop(self, peer: Peer) -> Server:
        account = peer.account("maildrop")
        name = f"{peer.name} INBOX"
        if name not in self._opened:
            reader = peer.reader("imap", account)
            self._opened[name] = await fetch.opened(reader, "INBOX", self.scale.maildrop, SIZE)
            self._opened[name].line.close()
        return peer.reader("pop3", account)

    # --- SMTP ------------------------------------------------------------------------------------

    def _smtp(self) -> Iterator[Row]:
        for name, sessions, size, per_connection in (
            ("SMTP messages of 4 KB, one session", 1, SIZE, ENDLESS),
            ("SMTP messages of 4 KB, ten sessions", 10, SIZE, ENDLESS),
            ("SMTP messages of 4 KB, ten at a time, a connection each", 10, SIZE, 1),
            ("SMTP messages of 100 KB, ten sessions", 10, LARGE, ENDLESS),
        ):

            async def deliver(
                inlet: Server, to: str, sessions: int = sessions, size: int = size, per: int = per_connection
            ) -> float:
                load = Load(SENDER, to, ENDLESS, sessions, size, per, self.scale.seconds)
                return _rate(await deliveries.measure(inlet, load))

            yield self._delivery_row(name, deliver)
        yield self._end_to_end()

    def _delivery_row(self, name: str, deliver: Callable[[Server, str], Awaitable[float]]) -> Row:
        def ours(peer: Mailkeep) -> Measure:
            return lambda: deliver(peer.inlet(), peer.account("taker").address)

        postfix = self.servers.postfix
        columns = (
            (postfix.name, lambda: deliver(postfix.inlet(), f"taker@{SINK_DOMAIN}")),
            *((peer.name, ours(peer)) for peer in self.servers.ours),
        )
        return Row(name, Unit.RATE, columns, self.scale.rounds)

    def _end_to_end(self) -> Row:
        postfix, dovecot = self.servers.postfix, self.servers.shipped

        async def measure(peer: Peer, inlet: Server) -> float:
            load = Load(SENDER, f"endtoend@{DOMAIN}", self.scale.end_to_end, 10, SIZE)
            reader = peer.reader("imap", peer.account("endtoend"))
            return _rate(await endtoend.measure(reader, inlet, load))

        def ours(peer: Mailkeep) -> Measure:
            return lambda: measure(peer, peer.inlet())

        columns = (
            ("Postfix and Dovecot (sdbox)", lambda: measure(dovecot, postfix.inlet())),
            *((peer.name, ours(peer)) for peer in self.servers.ours),
        )
        return Row(
            "SMTP to readable by IMAP, 4 KB, ten sessions", Unit.RATE, columns, min(2, self.scale.rounds)
        )


def _bound(measure: Callable[[Peer], Awaitable[float]], peer: Peer) -> Measure:
    return lambda: measure(peer)


def _rate(found: dict[str, object]) -> float:
    return _number(found, "per_second")


def _number(found: dict[str, object], name: str) -> float:
    value = found[name]
    assert isinstance(value, int | float)
    return float(value)
