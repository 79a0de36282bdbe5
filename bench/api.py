"""`python -m bench.api streams|lists`: what the API host costs, on real hosts.

`streams`: its memory with many event streams open, each of a user of its own, and that all of them hear.
`lists`: GET /api/emails with a mailbox of some size behind each of many users, by wrk. Each prints one JSON
object. Figures are of one run on one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import click
import httpx2
import uvloop
from tests.support.hosts import MailkeepUp

from bench.clients.wire import spread
from bench.identity import DATABASE, DOMAIN, beside, running
from mailkeep.auth import KeyService
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store

AT_ONCE = 16
SETTLE_SECONDS = 2.0
HEARD_SECONDS = 60.0

T = TypeVar("T")
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@click.group()
def main() -> None:
    """What the API host costs."""


# --- streams ----------------------------------------------------------------------------------------


@main.command()
@DATABASE
@click.option("--streams", default=1000)
def streams(database: str, streams: int) -> None:
    """Memory of the API host with so many event streams, each of another user."""
    with running(database) as up:
        click.echo(json.dumps({"database": database} | uvloop.run(_streams(up, streams))))


async def _streams(up: MailkeepUp, count: int) -> dict[str, object]:
    async with beside(up) as store:
        keys = await _people(store, count + 1)
        (pid,) = up.pids("api")
        host, _, port = up.api_url.removeprefix("http://").rpartition(":")
        warm = await _stream(host, int(port), keys[-1])  # what the first one loads is not the streams' cost
        await asyncio.sleep(SETTLE_SECONDS)
        before = _memory(pid)
        opened = await _each([partial(_stream, host, int(port), key) for key in keys[:-1]])
        await asyncio.sleep(SETTLE_SECONDS)
        after = _memory(pid)
        took = await _heard(store, opened)
        told = _memory(pid)
    for _, writer in (*opened, warm):
        writer.close()
    return {
        "streams": count,
        "before_kib": before,
        "open_kib": after,
        "after_an_event_each_kib": told,
        "kib_per_stream": round((after["pss"] - before["pss"]) / count, 2),
        "all_heard_ms": spread(took),
    }


async def _heard(store: Store, opened: list[Opened]) -> list[float]:
    """Deliver to everybody; seconds from each commit until the user's stream tells of the message."""
    began: dict[int, float] = {}

    async def deliver(number: int) -> None:
        await store.committer.deliver(_delivery([f"user{number}"], number))
        began[number] = time.perf_counter()

    async def hear(number: int) -> float:
        reader, _ = opened[number]
        await asyncio.wait_for(reader.readuntil(b"event: NewEmail"), HEARD_SECONDS)
        return time.perf_counter()

    hearing = [asyncio.create_task(hear(number)) for number in range(len(opened))]
    await _each([partial(deliver, number) for number in range(len(opened))])
    moments = await asyncio.gather(*hearing)
    return [moment - began[number] for number, moment in enumerate(moments)]


async def _stream(host: str, port: int, key: str) -> Opened:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"retry: "), HEARD_SECONDS)
    return reader, writer


def _memory(pid: int) -> dict[str, int]:
    """KiB: what is resident, and its share where pages are shared with other processes."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("Rss", "Pss"):
            found[name.lower()] = int(value.split()[0])
    return found


# --- lists ------------------------------------------------------------------------------------------


@main.command()
@DATABASE
@click.option("--users", default=1000, help="A user may ask 100 times before they are refused.")
@click.option("--messages", default=100, help="In each mailbox.")
@click.option("--seconds", default=20)
@click.option("--connections", default=16)
@click.option("--fresh", is_flag=True, help="Ask in every round for pages of another size: none is kept.")
def lists(database: str, users: int, messages: int, *, seconds: int, connections: int, fresh: bool) -> None:
    """GET /api/emails as fast as wrk asks, each request as the next user."""
    with running(database) as up:
        keys = uvloop.run(_filled(up, users, messages))
        uvloop.run(_warmed(up, keys))
        with TemporaryDirectory() as directory:
            script = Path(directory, "users.lua")
            script.write_text(_script(keys, fresh=fresh), "utf-8")
            load = ("-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script))
            (pid,) = up.pids("api")
            before, load_before = _cpu_seconds(pid), os.getloadavg()[0]
            wrk = subprocess.run(["wrk", *load, up.api_url], capture_output=True, text=True, check=True)
            used = _cpu_seconds(pid) - before
        told = {"database": database, "users": users, "messages": messages, "fresh": fresh}
        told |= {"load_before": round(load_before, 1), **_told(wrk.stdout, used)}
        click.echo(json.dumps(told))


async def _warmed(up: MailkeepUp, keys: list[str]) -> None:
    """Each key is verified once: from then on the host remembers it."""
    async with httpx2.AsyncClient(base_url=up.api_url, timeout=60, trust_env=False) as client:
        headers = [{"Authorization": f"Bearer {key}"} for key in keys]
        for answer in await _each([partial(client.get, "/api/emails", headers=one) for one in headers]):
            answer.raise_for_status()


def _script(keys: list[str], *, fresh: bool) -> str:
    """More pages in nine rounds than the host keeps, of the usual size in the mean."""
    quoted = ",".join(f'"{key}"' for key in keys)
    path = '"/api/emails?pageSize="..(16+math.floor(n/#keys)%9)' if fresh else '"/api/emails"'
    return (
        f"keys={{{quoted}}}\nn=-1\nrequest=function()\nn=n+1\n"
        f'return wrk.format("GET",{path},{{["Authorization"]="Bearer "..keys[n%#keys+1]}})\nend\n'
    )


def _cpu_seconds(pid: int) -> float:
    """What the process has used of all cores: on a busy machine this tells more than the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _told(said: str, cpu_seconds: float) -> dict[str, object]:
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    percentiles = {f"p{part}": took for part, took in re.findall(r"(50|90|99)%\s+([\d.]+m?u?s)", said)}
    return {
        "requests_per_second": float(rate.group(1)) if rate else None,
        "host_cpu_ms_each": round(1000 * cpu_seconds / int(count.group(1)), 2) if count else None,
        "not_200": int(refused.group(1)) if refused else 0,
        **percentiles,
    }


async def _filled(up: MailkeepUp, users: int, messages: int) -> list[str]:
    async with beside(up) as store:
        keys = await _people(store, users)
        names = [f"user{number}" for number in range(users)]
        await _each([partial(store.committer.deliver, _delivery(names, n)) for n in range(messages)])
    return keys


# --- both -------------------------------------------------------------------------------------------


async def _people(store: Store, count: int) -> list[str]:
    """Keys of new users, of whom each has their own."""
    service = KeyService(store, AuthSettings())

    async def make(number: int) -> str:
        user = await store.directory.add_user(Address.parse(f"user{number}@{DOMAIN}"))
        return (await service.create(user.id, "bench", frozenset({Scope.API_READ}))).api_key

    return await _each([partial(make, number) for number in range(count)])


async def _each(work: list[Callable[[], Awaitable[T]]]) -> list[T]:
    """Do all, some at a time, and answer in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(ask: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await ask()

    return await asyncio.gather(*(one(ask) for ask in work))


def _delivery(names: list[str], number: int) -> Delivery:
    head = f"From: A <a@b.test>\r\nSubject: {number}\r\nMessage-ID: <{number}@b.test>\r\n"
    octets = f"{head}\r\nHello.\r\n".encode()
    targets = tuple(DeliveryTarget(Address.parse(f"{name}@{DOMAIN}")) for name in names)
    return Delivery(prepare(octets), targets, datetime.now(UTC))


if __name__ == "__main__":
    main()
