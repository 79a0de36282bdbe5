"""kill -9 on the SMTP host while it relays, again and again, on each database; servers that take a message
and drop the line before they say so; a database that goes away.

What was queued is delivered. A message goes out twice only where nobody could know that it had arrived: the
line or the host ended between the end of the message and the note of its reply. Each such case is counted.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.support.dns_zone import DnsZone
from tests.support.mail_server import OFFERS, Received, Sink, sink
from tests.support.postgres import PostgresCluster

from mailkeep.delivery.prepare import prepare_content
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery
from mailkeep.model.queue import Envelope, Outbound, OutboundRecipient
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

KILLS = 8
MESSAGES = 400
LIFE_SECONDS = 0.25  # at most, from the first message of a life to its end
DROPS = 0.02  # of the messages are taken and the line dropped
SECONDS = 120.0
ZONE = "far.test. MX 10 mx.far.test.\nmx.far.test. A 127.0.0.1\n"

_NUMBER = re.compile(rb"Subject: (\d+)\r\n")


def message(number: int) -> bytes:
    """Mostly small ones, sometimes past what goes in one flight."""
    lines = 4000 if number % 41 == 0 else number % 50
    return b"Subject: %d\r\n\r\n" % number + b"%032d\r\n" % number * lines


async def enqueue(store: Store, count: int) -> None:
    now = datetime.now(UTC)
    for number in range(count):
        out = Outbound(
            f"m{number}",
            Envelope(Address.parse("alice@example.test")),
            (OutboundRecipient(Address.parse("bob@far.test")),),
            now,
            now + timedelta(days=5),
        )
        await store.committer.deliver(Delivery(await prepare_content(message(number)), (), now, out))


class Host:
    """The SMTP host as a process, with everything but the queue out of the way."""

    def __init__(self, settings: StoreSettings, zone: DnsZone, port: int, log: Path) -> None:
        self._log = log
        self._environ = {
            **os.environ,
            "MAILKEEP_STORE_DATA_DIR": settings.data_dir,
            "MAILKEEP_STORE_DATABASE": settings.database,
            "MAILKEEP_STORE_TIMEOUT_SECONDS": "5",
            "MAILKEEP_SMTP_MX": "127.0.0.1:0",
            "MAILKEEP_SMTP_HOSTNAME": "mx.example.test",
            "MAILKEEP_DNS_NAMESERVERS": zone.place,
            "MAILKEEP_RELAY_ROUTE": "direct",
            "MAILKEEP_RELAY_PORT": str(port),
            "MAILKEEP_RELAY_LOOPBACK": "true",
            "MAILKEEP_RELAY_LEASE_SECONDS": "1.5",
            "MAILKEEP_RELAY_RETRY_SECONDS": "[0.2]",
            "MAILKEEP_RELAY_CONNECTIONS_PER_DOMAIN": "5",
            "MAILKEEP_LOG_LEVEL": "warning",
        }

    @asynccontextmanager
    async def life(self) -> AsyncIterator[int]:
        """Its process id; killed at the latest when the context ends."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mailkeep_smtp", env=self._environ, stderr=log
            )
        try:
            yield process.pid
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()


def number_of(received: Received) -> int:
    found = _NUMBER.search(received.octets)
    assert found is not None
    number = int(found[1])
    assert received.octets == message(number), f"message {number} is not whole"
    return number


async def until_empty(store: Store, sink: Sink, count: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len({number_of(one) for one in sink.received}) < count or await store.queue.entries(limit=1):
            await asyncio.sleep(0.1)


@pytest.mark.live
async def test_nothing_queued_is_lost_and_what_goes_twice_could_not_be_known(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    dropped: set[int] = set()

    def answer(line: str) -> str | None:
        if line != "END" or chance.random() > DROPS:
            return None
        dropped.add(number_of(far.ended[-1]))
        return ""

    lives: list[list[Received]] = []
    with DnsZone(ZONE) as zone:
        async with (
            open_test_store(store_settings) as store,
            sink(answer=answer, offers=OFFERS) as far,
        ):
            await enqueue(store, MESSAGES)
            host = Host(store_settings, zone, far.port, tmp_path / "log")
            for _ in range(KILLS):
                before = len(far.ended)
                async with host.life() as pid:
                    async with asyncio.timeout(SECONDS):
                        while len(far.ended) == before and await store.queue.entries(limit=1):
                            await asyncio.sleep(0.005)
                    await asyncio.sleep(chance.uniform(0, LIFE_SECONDS))
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.05)  # what is in the sockets
                lives.append(far.ended[before:])
            before = len(far.ended)
            async with host.life():
                await until_empty(store, far, MESSAGES)
            lives.append(far.ended[before:])

    assert {number_of(one) for one in far.received} == set(range(MESSAGES)), "a message is lost"
    for life in lives:
        twice = {number for number, times in Counter(map(number_of, life)).items() if times > 1}
        assert twice <= dropped, "a message went twice though its reply was there"
    repeated = Counter(map(number_of, far.ended))
    in_doubt = {number for number, times in repeated.items() if times > 1}
    print(f"{len(in_doubt)} of {MESSAGES} went out more than once, {len(dropped)} of them after a drop")
    assert "Traceback" not in host.log


@pytest.mark.live
async def test_a_database_that_goes_away_loses_nothing(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster, tmp_path: Path
) -> None:
    """What was sent while nothing could be written down is written down when it is back."""
    with DnsZone(ZONE) as zone:
        async with open_test_store(postgres_settings) as store, sink() as far:
            await enqueue(store, MESSAGES)
            host = Host(postgres_settings, zone, far.port, tmp_path / "log")
            async with host.life():
                await far.until(20)
                await asyncio.to_thread(postgres_cluster.stop, immediate=True)
                try:
                    await asyncio.sleep(0.3)
                finally:
                    await asyncio.to_thread(postgres_cluster.start)
                await until_empty(store, far, MESSAGES)
    assert {number_of(one) for one in far.received} == set(range(MESSAGES))
    assert "Traceback" not in host.log


@pytest.mark.live
async def test_a_dead_dns_keeps_mail_until_it_is_back(store_settings: StoreSettings, tmp_path: Path) -> None:
    with DnsZone(ZONE) as zone:
        zone.fail("far.test")
        async with open_test_store(store_settings) as store, sink() as far:
            await enqueue(store, 3)
            host = Host(store_settings, zone, far.port, tmp_path / "log")
            async with host.life():
                async with asyncio.timeout(SECONDS):
                    while {entry.last.status for entry in await store.queue.entries()} != {"4.4.3"}:
                        await asyncio.sleep(0.05)
                assert far.connections == 0
                zone._failing.clear()
                await until_empty(store, far, 3)
    assert "Traceback" not in host.log
