"""`python -m bench.identity linking|reconnects|revocation`: what identity costs, on real hosts.

Each starts `mailkeep up` on SQLite or on a private PostgreSQL that waits for its disk, and prints one JSON
object.
Figures are of one run on one machine.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from tests.support.hosts import MailkeepUp, Person
from tests.support.postgres import PostgresCluster

from bench.clients import logins
from bench.clients.appends import select
from bench.clients.wire import Line, Server, imap_session, spread
from bench.peers import private
from mailkeep.auth import KeyService
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store

DOMAIN = "example.test"
AT_ONCE = 256  # deliveries that share commits while the store is filled
KEYS_AT_ONCE = 16
USERS = 100
HEARD_SECONDS = 60.0

DATABASE = click.option("--database", type=click.Choice(["sqlite", "postgres"]), default="postgres")


@contextmanager
def running(database: str, **environ: str) -> Iterator[MailkeepUp]:
    """All hosts, on a database of their own."""
    with ExitStack() as stack:
        directory: Path = private.directory("identity")
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        url = ""
        if database == "postgres":
            cluster = stack.enter_context(PostgresCluster(durable=True))
            url = cluster.url(cluster.create_database())
        yield stack.enter_context(MailkeepUp(directory, url, (), environ))


@asynccontextmanager
async def beside(up: MailkeepUp) -> AsyncIterator[Store]:
    """The same store, in this process."""
    store = await open_store(up.store_settings)
    try:
        yield store
    finally:
        await store.close()


def imaps(up: MailkeepUp, person: Person) -> Server:
    """Where one logs in."""
    host, port = up.place("imaps")
    return Server(host, port, "implicit", person.address, person.api_key)


@click.group()
def main() -> None:
    """What identity costs: linking waiting mail, cold logins after a restart, revocation."""


# --- linking ----------------------------------------------------------------------------------------


@main.command()
@DATABASE
@click.option("--messages", default=100_000)
def linking(database: str, messages: int) -> None:
    """Mail that waits comes to a new user, and to a user with mail while a session of theirs idles."""
    with running(database) as up:
        click.echo(json.dumps({"database": database} | uvloop.run(_linking(up, messages))))


async def _linking(up: MailkeepUp, messages: int) -> dict[str, object]:
    new, further = (Address.parse(f"{name}@{DOMAIN}") for name in ("new", "further"))
    async with beside(up) as store:
        for address in (new, further):
            await _fill(store, address, messages)
        began = time.perf_counter()
        user = await store.directory.add_user(new)
        to_new = time.perf_counter() - began
        key = await KeyService(store, AuthSettings()).create(user.id, "bench")
        with closing(await imap_session(imaps(up, Person(str(new), key.api_key)))) as line:
            assert await select(line, "INBOX") == messages
            await line.ask(b"i IDLE", b"+")
            heard = asyncio.create_task(_exists(line, 2 * messages))
            began = time.perf_counter()
            await store.directory.add_address(user.id, further)
            to_known = time.perf_counter() - began
            moment = await asyncio.wait_for(heard, HEARD_SECONDS)
    return {
        "messages": messages,
        "to_a_new_user_ms": round(1000 * to_new, 1),
        "to_a_user_with_mail_s": round(to_known, 2),
        "heard_by_idle_s": round(moment - began, 2),
    }


async def _fill(store: Store, address: Address, messages: int) -> None:
    for start in range(0, messages, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, messages))
        await asyncio.gather(*(store.committer.deliver(_delivery(address, number)) for number in numbers))


def _delivery(address: Address, number: int) -> Delivery:
    octets = b"Subject: %d\r\nFrom: a@b.test\r\n\r\nMessage %d for %s.\r\n" % (
        number,
        number,
        str(address).encode(),
    )
    return Delivery(prepare(octets), (DeliveryTarget(address),), datetime.now(UTC))


async def _exists(line: Line, count: int) -> float:
    """The moment when the session knows of so many messages."""
    while await line.read() != b"* %d EXISTS" % count:
        pass
    return time.perf_counter()


# --- reconnects -------------------------------------------------------------------------------------


@main.command()
@DATABASE
@click.option("--keys", "count", default=10_000)
@click.option("--sessions", default=200, help="Clients that connect at the same time.")
def reconnects(database: str, count: int, sessions: int) -> None:
    """After a restart each client logs in with a key of its own, over TLS: nothing is remembered."""
    with running(database) as up:
        keys = uvloop.run(_make_keys(up, count))
        up.stop()
        up.start()
        server = imaps(up, Person(f"user0@{DOMAIN}", ""))
        [host] = up.pids("imap")
        before, mine = cpu_seconds(host), time.process_time()
        result = uvloop.run(_reconnect(server, keys, sessions))
        spent = {
            "host_cpu_seconds": round(cpu_seconds(host) - before, 1),
            "clients_cpu_seconds": round(time.process_time() - mine, 1),
        }
        click.echo(json.dumps({"database": database} | result | spent))


def cpu_seconds(pid: int) -> float:
    """What a process has used of all cores: on a machine that others use, wall time says little."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _make_keys(up: MailkeepUp, count: int) -> list[Person]:
    async with beside(up) as store:
        service, places = KeyService(store, AuthSettings()), asyncio.Semaphore(KEYS_AT_ONCE)
        addresses = [Address.parse(f"user{number}@{DOMAIN}") for number in range(min(USERS, count))]
        users = [await store.directory.add_user(address) for address in addresses]

        async def make(number: int) -> Person:
            user = users[number % len(users)]
            async with places:
                made = await service.create(user.id, f"client {number}", frozenset({Scope.IMAP}))
            return Person(user.primary_address, made.api_key)

        return await asyncio.gather(*(make(number) for number in range(count)))


async def _reconnect(server: Server, people: list[Person], sessions: int) -> dict[str, object]:
    accounts = [(person.address, person.api_key) for person in people]
    return await logins.measure_accounts(server, accounts, sessions=sessions)


# --- revocation -------------------------------------------------------------------------------------


@main.command()
@DATABASE
@click.option("--rounds", default=20)
@click.option("--sessions", default=50, help="Open IMAP sessions of each key.")
def revocation(database: str, rounds: int, sessions: int) -> None:
    """From the commit that revokes a key until the last of its sessions, on every host, has ended."""
    with running(database) as up:
        click.echo(json.dumps({"database": database} | uvloop.run(_revocation(up, rounds, sessions))))


async def _revocation(up: MailkeepUp, rounds: int, sessions: int) -> dict[str, object]:
    person_address = Address.parse(f"person@{DOMAIN}")
    took: dict[str, list[float]] = {"imap": [], "pop3": [], "smtp": [], "events": []}
    async with beside(up) as store:
        user = await store.directory.add_user(person_address)
        service = KeyService(store, AuthSettings())
        for _ in range(rounds):
            made = await service.create(user.id, "bench")
            person = Person(str(person_address), made.api_key)
            opened = [("imap", await imap_session(imaps(up, person))) for _ in range(sessions)]
            opened += [("pop3", await _pop3(up, person)), ("smtp", await _smtp(up, person))]
            opened.append(("events", await _events(up, person)))
            ends = [asyncio.create_task(_ended(line)) for _, line in opened]
            await asyncio.sleep(0)
            began = time.perf_counter()
            await service.revoke(made.id)
            for (host, _), end in zip(opened, ends, strict=True):
                took[host].append(await asyncio.wait_for(end, HEARD_SECONDS) - began)
    return {"rounds": rounds, "sessions": sessions} | {host: spread(times) for host, times in took.items()}


async def _ended(line: Line) -> float:
    try:
        while True:
            await line.block()
    except Exception:
        return time.perf_counter()
    finally:
        line.close()


async def _pop3(up: MailkeepUp, person: Person) -> Line:
    line = await _connect(up, "pop3s")
    await line.expect(b"+OK")
    await line.ask(f"USER {person.address}".encode(), b"+OK")
    await line.ask(f"PASS {person.api_key}".encode(), b"+OK")
    return line


async def _smtp(up: MailkeepUp, person: Person) -> Line:
    line = await _connect(up, "submissions")
    await line.expect(b"220")
    line.send(b"EHLO bench.test\r\n")
    await line.until(b"250 ")
    plain = base64.b64encode(f"\0{person.address}\0{person.api_key}".encode()).decode()
    await line.ask(f"AUTH PLAIN {plain}".encode(), b"235")
    return line


async def _events(up: MailkeepUp, person: Person) -> Line:
    host, port = up.api_url.split("://")[1].split(":")
    _, line = await asyncio.get_running_loop().create_connection(Line, host, int(port))
    head = f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    line.send(f"{head}Authorization: Bearer {person.api_key}\r\n\r\n".encode())
    await line.expect(b"HTTP/1.1 200")
    await line.until(b"retry:")
    return line


async def _connect(up: MailkeepUp, listener: str) -> Line:
    host, port = up.place(listener)
    context = ssl.create_default_context(cafile=up.ca_file)
    _, line = await asyncio.get_running_loop().create_connection(
        Line, host, port, ssl=context, server_hostname="localhost"
    )
    return line


if __name__ == "__main__":
    main()
