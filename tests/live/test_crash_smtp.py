"""kill -9 on the SMTP host, 50 times under load, on each database.

Clients send numbered messages without a pause and never send one twice, so that what lies in the store can
be held to what was acknowledged: each acknowledged message once in every recipient's INBOX, each one that
was not acknowledged there whole or not at all, and for all of its recipients or none.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.conftest import open_test_store

from mailkeep.model.address import Address
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

KILLS = 50
CLIENTS = 5
RECIPIENTS = ("claimed@example.test", "unclaimed@example.test")
START_SECONDS = 30.0
LOAD_SECONDS = 0.12  # at most, from the first acknowledgement of a life to its end

_NUMBER = re.compile(rb"^Subject: (\d+)\r$", re.MULTILINE)


@dataclass
class Sent:
    """What the clients know. Numbers are unique over the whole test."""

    started: int = 0
    acknowledged: set[int] = field(default_factory=set)


def message(number: int) -> bytes:
    """Mostly small, sometimes past what is scanned on the loop, sometimes past what stays in memory."""
    chance = random.Random(number)
    lines = 30_000 if number % 97 == 0 else chance.choice((1, 20, 60, 1000))
    body = (chance.randbytes(20).hex().encode() + b"\r\n") * lines
    digest = hashlib.sha256(body).hexdigest().encode()
    return b"Subject: %d\r\nX-Digest: %b\r\n\r\n%b" % (number, digest, body)


async def send_without_end(port: int, sent: Sent) -> None:
    """One client: a connection, then one message after another until the line breaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readline()
        writer.write(b"EHLO client.example\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
        while True:
            sent.started += 1
            number = sent.started
            writer.write(b"MAIL FROM:<a@b.example>\r\n")
            writer.write(b"".join(b"RCPT TO:<%b>\r\n" % address.encode() for address in RECIPIENTS))
            send = send_data if number % 2 else send_chunks
            if not await send(reader, writer, message(number)):
                return
            sent.acknowledged.add(number)
    except OSError:
        return
    finally:
        writer.transport.abort()


async def send_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes) -> bool:
    """The message by DATA; True if it was acknowledged."""
    writer.write(b"DATA\r\n")
    replies = [await reader.readline() for _ in range(2 + len(RECIPIENTS))]
    if not replies[-1].startswith(b"354"):
        return False
    writer.write(octets + b".\r\n")
    return (await reader.readline()).startswith(b"250 2.0.0")


async def send_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes) -> bool:
    """The message by two BDATs, pipelined behind the envelope; True if the last one was acknowledged."""
    half = len(octets) // 2
    writer.write(b"BDAT %d\r\n%b" % (half, octets[:half]))
    writer.write(b"BDAT %d LAST\r\n%b" % (len(octets) - half, octets[half:]))
    replies = [await reader.readline() for _ in range(3 + len(RECIPIENTS))]
    return replies[-1].startswith(b"250 2.0.0")


# Forks hosts that have their imports behind them: processes of their own, in a fifth of the time. A line asks
# for one and is answered with its process id, which stays its own until the next line asks for its end.
NURSERY = """
import os, sys
import mailkeep.storage.opening
from mailkeep.net.runtime import run_host
from mailkeep_smtp.server import main
while sys.stdin.readline():
    child = os.fork()
    if not child:
        os._exit(run_host("smtp", main, []))
    print(child, flush=True)
    sys.stdin.readline()
    os.kill(child, 9)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
COLD_EVERY = 10  # lives; these are `python -m mailkeep_smtp` from nothing


class Host:
    """The SMTP host, started again and again on one port."""

    def __init__(self, settings: StoreSettings, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.log = log
        self.environment = {
            **os.environ,
            "MAILKEEP_STORE_DATA_DIR": settings.data_dir,
            "MAILKEEP_STORE_DATABASE": settings.database,
            "MAILKEEP_SMTP_MX": f"127.0.0.1:{self.port}",
            "MAILKEEP_LOG_LEVEL": "warning",
        }
        self._nursery = self._start("-c", NURSERY)

    def close(self) -> None:
        """No more lives."""
        self._nursery.kill()
        self._nursery.communicate()

    @contextmanager
    def cold_life(self) -> Iterator[int]:
        """The id of a process which has been killed at the latest when the context ends."""
        process = self._start("-m", "mailkeep_smtp")
        try:
            yield process.pid
        finally:
            process.kill()
            process.communicate()

    @contextmanager
    def life(self) -> Iterator[int]:
        """The same, forked."""
        try:
            yield int(self._ask_nursery())
        finally:
            assert self._ask_nursery() == b"ended\n"

    def _ask_nursery(self) -> bytes:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(b"\n")
        self._nursery.stdin.flush()
        return self._nursery.stdout.readline()

    async def accepting(self) -> None:
        """Return when it accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            writer.transport.abort()
            return

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )


async def live_and_die(
    host: Host, life: AbstractContextManager[int], sent: Sent, chance: random.Random
) -> None:
    """Start, load, kill in the middle of it."""
    with life as pid:
        await host.accepting()
        before = len(sent.acknowledged)
        clients = [asyncio.ensure_future(send_without_end(host.port, sent)) for _ in range(CLIENTS)]
        async with asyncio.timeout(START_SECONDS):
            while len(sent.acknowledged) == before:
                await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, LOAD_SECONDS))
        os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*clients)


async def stored_numbers(store: Store, address: str) -> Counter[int]:
    """How often each number lies in the INBOX, after looking at every octet and every counter."""
    records = await store.directory.addresses()
    [account] = [record.account_id for record in records if record.address == address]
    mailbox = await store.mailboxes.get(account, "INBOX")
    snapshot = await store.messages.snapshot(mailbox.id)
    await store.messages.refresh(snapshot)
    uids = list(snapshot.uids)
    assert uids == sorted(set(uids))
    assert mailbox.messages == mailbox.unseen == len(uids)
    assert mailbox.size == sum(snapshot.sizes)
    assert not uids or mailbox.uidnext > uids[-1]
    numbers: Counter[int] = Counter()
    async for _, octets in store.messages.bodies(list(snapshot.message_ids)):
        found = _NUMBER.search(octets)
        assert found is not None
        number = int(found.group(1))
        assert octets.endswith(b" +0000\r\n" + message(number)), f"message {number} is not whole"
        numbers[number] += 1
    assert numbers.total() == len(uids)
    return numbers


@pytest.mark.live
async def test_nothing_acknowledged_is_lost_and_nothing_else_is_half_there(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    async with open_test_store(store_settings) as store:
        await store.directory.add_domain("example.test")
        await store.directory.add_user(Address.parse(RECIPIENTS[0]))
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    sent = Sent()
    host = Host(store_settings, tmp_path / "log")
    for number in range(KILLS):
        life = host.cold_life() if number % COLD_EVERY == 0 else host.life()
        await live_and_die(host, life, sent, chance)

    with host.life():  # the last one clears up behind the others
        await host.accepting()
        assert not list((Path(store_settings.data_dir) / "spool").glob("*"))
    host.close()
    async with open_test_store(store_settings) as store:
        first, second = [await stored_numbers(store, address) for address in RECIPIENTS]
    assert first == second, "a message reached one of its recipients"
    assert not [number for number, times in first.items() if times > 1], "a message is there twice"
    assert not sent.acknowledged - first.keys(), "an acknowledged message is lost"
    assert not first.keys() - set(range(1, sent.started + 1))
    assert len(sent.acknowledged) > KILLS
    assert "Traceback" not in host.log.read_text()
