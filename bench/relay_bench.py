"""Measures how fast a full queue leaves: `python bench/relay_bench.py [sqlite|postgres] ...`.

The queue is filled in the store, then one SMTP host sends it to Postfix's smtp-sink on this machine, which
takes everything and keeps nothing. The clock runs from the moment that mail may leave until the queue is
empty, so what is counted is written down. Prints one JSON object a backend. The CPU time is the host's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for tests.support

from tests.support.dns_zone import DnsZone
from tests.support.postgres import PostgresCluster

from mailkeep.delivery.prepare import prepare_content
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery
from mailkeep.model.queue import Envelope, Outbound, OutboundRecipient
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import QueueFilter, Store

SECONDS = 120.0
AT_ONCE = 200  # messages that are queued at a time
WORDS = b"the of and to in is it you that he was for on are with as his they be at one have this".split()


def make_message(chance: random.Random, size: int) -> bytes:
    """Text of that many octets."""
    octets = bytearray(b"From: a@example.test\r\nSubject: %d\r\n\r\n" % chance.getrandbits(64))
    while len(octets) < size - 2:
        octets += b" ".join(chance.choice(WORDS) for _ in range(12)) + b"\r\n"
    return bytes(octets)


async def fill(store: Store, count: int, size: int, domains: int) -> None:
    """Queue messages, held until the clock starts."""
    chance = random.Random(1)
    now = datetime.now(UTC)

    async def one(number: int) -> None:
        message = await prepare_content(make_message(chance, size))
        recipient = OutboundRecipient(Address.parse(f"bob@d{number % domains}.test"))
        envelope = Envelope(Address.parse("alice@example.test"))
        out = Outbound(f"m{number:06}", envelope, (recipient,), now, now + timedelta(days=5))
        await store.committer.deliver(Delivery(message, (), now, out))

    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + AT_ONCE, count))))
    await store.queue.hold(QueueFilter())


def start_host(settings: StoreSettings, zone: DnsZone, port: int, sessions: int) -> subprocess.Popen[bytes]:
    """One SMTP host."""
    environ = {
        **os.environ,
        "MAILKEEP_STORE_DATA_DIR": settings.data_dir,
        "MAILKEEP_STORE_DATABASE": settings.database,
        "MAILKEEP_SMTP_MX": "127.0.0.1:0",
        "MAILKEEP_DNS_NAMESERVERS": zone.place,
        "MAILKEEP_RELAY_PORT": str(port),
        "MAILKEEP_RELAY_LOOPBACK": "true",
        "MAILKEEP_RELAY_MTA_STS": "false",
        "MAILKEEP_RELAY_CONNECTIONS_PER_DOMAIN": str(sessions),
        "MAILKEEP_LOG_LEVEL": "warning",
    }
    return start([sys.executable, "-m", "mailkeep_smtp"], environ)


def start(command: list[str], environ: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process of this measurement."""
    return subprocess.Popen(command, env=environ)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def drain(store: Store, host: subprocess.Popen[bytes], count: int) -> dict[str, object]:
    """Release everything, and wait until nothing is left."""
    await asyncio.sleep(3)  # it has started, and found nothing to do
    used, began = cpu_seconds(host.pid), time.monotonic()
    await store.queue.release(QueueFilter())
    async with asyncio.timeout(SECONDS):
        while await store.queue.entries(limit=1):  # noqa: ASYNC110  it is in another process
            await asyncio.sleep(0.05)
    seconds = time.monotonic() - began
    return {
        "messages": count,
        "seconds": round(seconds, 2),
        "messages_per_second": round(count / seconds),
        "host_cpu_us_per_message": round((cpu_seconds(host.pid) - used) * 1e6 / count),
    }


async def measure(settings: StoreSettings, options: argparse.Namespace) -> dict[str, object]:
    """One backend."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    zone = "".join(f"d{n}.test. MX 10 mx.test.\n" for n in range(options.domains)) + "mx.test. A 127.0.0.1\n"
    command = [shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"]
    command += ["-u", "nobody"] if os.getuid() == 0 else []
    store = await open_store(settings)
    await fill(store, options.messages, options.size, options.domains)
    with DnsZone(zone) as names:
        sink = start([*command, f"127.0.0.1:{port}", "1000"])
        host = start_host(settings, names, port, options.sessions)
        try:
            return await drain(store, host, options.messages)
        finally:
            host.terminate()
            host.wait()
            sink.terminate()
            sink.wait()
            await store.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--domains", type=int, default=4)
    parser.add_argument("--sessions", type=int, default=10, help="for each domain")
    options = parser.parse_args()
    for backend in options.backends:
        with ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-bench-"))
            database = ""
            if backend == "postgres":
                cluster = stack.enter_context(PostgresCluster(durable=True))
                database = cluster.url(cluster.create_database())
            settings = StoreSettings(data_dir=directory, database=database)
            print(json.dumps({"backend": backend, **uvloop.run(measure(settings, options))}), flush=True)


if __name__ == "__main__":
    main()
