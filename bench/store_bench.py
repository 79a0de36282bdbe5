"""Measures the store alone, without any protocol: `python bench/store_bench.py [sqlite|postgres] ...`.

Prints one JSON object a backend. PostgreSQL is a private cluster that waits for the disk at each commit,
as SQLite does. Figures are of one run on one machine: compare them with each other, not with others'.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for tests.support

from tests.support.postgres import PostgresCluster

from mailkeep.model.address import Address
from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags
from mailkeep.model.message import Delivery, DeliveryTarget, MessageSummary, NewMessage, PreparedMessage
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store, saved_snapshots, snapshot_saver
from mailkeep.storage.interface import Column, Store, Topic, TopicKind

DOMAIN = "example.test"
MESSAGE_OCTETS = 4096
ENVELOPE_OCTETS, STRUCTURE_OCTETS, PARTS_OCTETS = 400, 300, 60
ENTRIES = 10_000
COLD_TURNS = 7


def make_message(chance: random.Random) -> PreparedMessage:
    """A message of 4 KB that compresses about as English text does."""
    words = b"the of and to in is it you that he was for on are with as his they be at one have this".split()
    header = (
        b"Subject: %d\r\nFrom: a@b.test\r\n" % chance.getrandbits(64) + b"X: %s\r\n" % (b"y" * 600) + b"\r\n"
    )
    body = bytearray()
    while len(body) < MESSAGE_OCTETS - len(header):
        body += chance.choice(words) + b" %d " % chance.getrandbits(16)
    return PreparedMessage(
        header=header,
        content=bytes(body),
        size=len(header) + len(body),
        envelope=b"e" * ENVELOPE_OCTETS,
        body=b"b" * STRUCTURE_OCTETS,
        body_structure=b"s" * STRUCTURE_OCTETS,
        parts=b"p" * PARTS_OCTETS,
        summary=MessageSummary("A subject", "a subject", "a@b.test", "A", "id@b.test", preview="p" * 120),
    )


class Bench:
    """One backend's measurements, in the order in which they are made."""

    def __init__(self, store: Store, settings: StoreSettings) -> None:
        self.store = store
        self.settings = settings
        self.chance = random.Random(1)
        self.figures: dict[str, float] = {}

    async def run(self) -> None:
        """Everything."""
        await self.store.directory.add_domain(DOMAIN)
        user = await self.store.directory.add_user(Address.parse(f"demo@{DOMAIN}"))
        self.account_id = user.account_id
        self.inbox = (await self.store.mailboxes.get(user.account_id, "INBOX")).id
        await self.deliveries()
        await self.feed()
        await self.reading()
        await self.flags()
        await self.large_mailbox()
        await self.recipients()

    async def deliveries(self) -> None:
        """Messages a second, each answered after its commit, from so many producers at once."""
        for producers, count, mailboxes in ((1, 500, 1), (16, 6000, 16), (16, 6000, 1), (64, 12_000, 64)):
            messages = [make_message(self.chance) for _ in range(count)]
            for number in range(mailboxes):
                await self._deliver(make_message(self.chance), f"user{number}")

            async def produce(worker: int, share: list[PreparedMessage], mailboxes: int = mailboxes) -> None:
                for message in share:
                    await self._deliver(message, f"user{worker % mailboxes}")

            started, used = time.perf_counter(), time.process_time()
            await asyncio.gather(
                *[produce(worker, messages[worker::producers]) for worker in range(producers)]
            )
            rate = count / (time.perf_counter() - started)
            name = f"{producers} producers, {mailboxes} mailboxes"
            self.figures[f"deliveries/s, {name}"] = round(rate)
            each = (time.process_time() - used) / count
            self.figures[f"CPU us a delivery, {name}"] = round(
                1_000_000 * each
            )  # holds on a busy machine too

    async def _deliver(self, message: PreparedMessage, name: str) -> None:
        target = DeliveryTarget(Address.parse(f"{name}@{DOMAIN}"))
        await self.store.committer.deliver(Delivery(message, (target,), datetime.now(UTC)))

    async def feed(self) -> None:
        """Milliseconds from the call of append in one process's store to the watcher in another's."""
        other = await open_store(self.settings)
        heard = asyncio.Event()
        other.feed.watch(Topic(TopicKind.MAILBOX, str(self.inbox)), heard.set)
        times = []
        for _ in range(100):
            heard.clear()
            started = time.perf_counter()
            await self._append(1)
            await heard.wait()
            times.append(time.perf_counter() - started)
        await other.close()
        self.figures["append until heard elsewhere, median ms"] = round(1000 * sorted(times)[50], 2)

    async def _append(self, count: int) -> None:
        now = datetime.now(UTC)
        messages = [NewMessage(make_message(self.chance), now) for _ in range(count)]
        await self.store.committer.append(self.inbox, messages)

    async def reading(self) -> None:
        """A mailbox of 10,000: loading its snapshot, its envelopes, its headers, one body, one page."""
        while (have := len(await self.store.messages.snapshot(self.inbox))) < ENTRIES:
            await self._append(min(1000, ENTRIES - have))
        other = await open_store(self.settings)
        await self._timed("snapshot of 10,000, ms", lambda: other.messages.snapshot(self.inbox))
        snapshot = await self.store.messages.snapshot(self.inbox)
        await self._timed(
            "snapshot that is current, ms", lambda: self.store.messages.snapshot(self.inbox), 50
        )
        ids = list(snapshot.message_ids)
        for column in (Column.ENVELOPE, Column.HEADER):
            await self._timed(f"{column} of 10,000, ms", partial(self._rows, ids, [column]))
        await self._timed("one body, ms", lambda: self._body(ids[5000]), 200)
        await self._timed("page of 50, ms", lambda: self.store.emails.page(self.account_id, 0, 50), 50)
        await self._timed(
            "page of 50 at 9,000, ms", lambda: self.store.emails.page(self.account_id, 9000, 50), 10
        )
        await other.close()

    async def _rows(self, ids: list[int], columns: list[Column]) -> None:
        async for _ in self.store.messages.rows(ids, columns):
            pass

    async def _body(self, message_id: int) -> None:
        await (await self.store.messages.body(message_id)).read()

    async def flags(self) -> None:
        """Setting a flag on all 10,000 and on every other one; copying all."""
        every, odd = UidSet(((1, 1 << 31),)), UidSet.of(range(1, ENTRIES, 2))
        seen = Flags.parse(["\\Seen"])
        committer = self.store.committer
        await self._timed(
            "flag on 10,000, ms", lambda: committer.store_flags(self.inbox, every, FlagAction.ADD, seen)
        )
        await self._timed(
            "flag on 5,000 scattered, ms",
            lambda: committer.store_flags(self.inbox, odd, FlagAction.SET, NO_FLAGS),
        )
        archive = (await self.store.mailboxes.get(self.account_id, "Archive")).id
        await self._timed("copy of 10,000, ms", lambda: committer.copy(self.inbox, every, archive))
        await self._timed(
            "expunge of 10,000, ms", lambda: committer.expunge(archive, every, only_deleted=False)
        )

    async def large_mailbox(self) -> None:
        """A mailbox of 100,000: what its first SELECT and the next ones wait for."""
        archive = (await self.store.mailboxes.get(self.account_id, "Archive")).id
        every = UidSet(((1, 1 << 31),))
        for _ in range(100_000 // ENTRIES):
            await self.store.committer.copy(self.inbox, every, archive)
        await self._saved(archive)
        await self._cold(archive, "by what is saved")
        await self._change(archive, 500)
        await self._cold(archive, "by what is saved and 500 changes")
        other = await open_store(self.settings)
        snapshot = await other.messages.snapshot(archive)
        await self._timed(
            "snapshot of 100,000 that is current, ms", lambda: other.messages.snapshot(archive), 50
        )
        self.figures["MB of it"] = round(snapshot.octets / 1e6, 1)
        await other.close()

    async def _saved(self, mailbox_id: int) -> None:
        """Have some process save its snapshot at once, not after a rest."""
        rest, snapshot_saver.REST_SECONDS = snapshot_saver.REST_SECONDS, (0.0, 0.0)
        other = await open_store(self.settings)
        snapshot = await other.messages.snapshot(mailbox_id)
        started = time.perf_counter()
        while snapshot.unsaved:  # noqa: ASYNC110  nobody is told of it
            await asyncio.sleep(0.0005)
        self.figures["saving a snapshot of 100,000, ms"] = round(1000 * (time.perf_counter() - started), 1)
        await other.close()
        snapshot_saver.REST_SECONDS = rest

    async def _change(self, mailbox_id: int, times: int) -> None:
        """So many commits, each of another message's flags."""
        for uid in range(1, 1 + times):
            await self.store.committer.store_flags(
                mailbox_id, UidSet.of([uid * 100]), FlagAction.ADD, Flags.parse(["\\Flagged"])
            )

    async def _cold(self, mailbox_id: int, what: str) -> None:
        """What a process that has just connected waits for, in turns: by entries, and by what is saved."""
        times: dict[str, list[tuple[float, float]]] = {"by entries": [], what: []}
        fewest = saved_snapshots.FEWEST
        for turn in range(2 * COLD_TURNS):
            way = list(times)[turn % 2]
            saved_snapshots.FEWEST = fewest if way == what else saved_snapshots.MOST
            other = await open_store(self.settings)
            await other.ping()
            started, used = time.perf_counter(), time.process_time()
            await other.messages.snapshot(mailbox_id)
            times[way].append((time.perf_counter() - started, time.process_time() - used))
            await other.close()
        saved_snapshots.FEWEST = fewest
        for way, measured in times.items():
            clock, cpu = (round(1000 * statistics.median(each), 1) for each in zip(*measured, strict=True))
            self.figures[f"snapshot of 100,000 {way}, ms"] = clock
            self.figures[f"CPU ms of that, {way}"] = cpu

    async def recipients(self) -> None:
        """What RCPT asks, remembered and not."""
        address = Address.parse(f"demo+tag@{DOMAIN}")
        await self._timed("recipient, remembered, ms", lambda: self.store.directory.recipient(address), 1000)

    async def _timed(self, name: str, do: Callable[[], Awaitable[object]], times: int = 1) -> None:
        started = time.perf_counter()
        for _ in range(times):
            await do()
        self.figures[name] = round(1000 * (time.perf_counter() - started) / times, 3)


async def measure(settings: StoreSettings) -> dict[str, float]:
    """All figures of one backend."""
    store = await open_store(settings)
    bench = Bench(store, settings)
    await bench.run()
    await store.close()
    return bench.figures


def main() -> None:
    """Measure the backends that were named, or both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backends", nargs="*", metavar="sqlite|postgres")
    for backend in parser.parse_args().backends or ["sqlite", "postgres"]:
        with ExitStack() as stack:
            data_dir = stack.enter_context(tempfile.TemporaryDirectory())
            database = ""
            if backend == "postgres":
                cluster = stack.enter_context(PostgresCluster(durable=True))
                database = cluster.url(cluster.create_database())
            figures = uvloop.run(measure(StoreSettings(data_dir=data_dir, database=database)))
        print(json.dumps({"backend": backend} | figures, indent=2))


if __name__ == "__main__":
    main()
