"""`python -m bench.identity linking|reconnects|endings|timing`: what identity costs, on real hosts.

Each starts `mailkeep up` on SQLite or on a private PostgreSQL that waits for its disk, and prints one JSON
object.
Figures are of one run on one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from tests.support.hosts import MailkeepUp, Person

from bench.clients import logins
from bench.clients.appends import select
from bench.clients.wire import Line, Server, imap_session
from bench.identity.endings import endings
from bench.identity.hosts import DATABASE, DOMAIN, beside, imaps, running
from bench.identity.timing import timing
from mailkeep.auth import KeyService
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store

AT_ONCE = 256  # deliveries that share commits while the store is filled
KEYS_AT_ONCE = 16
USERS = 100
HEARD_SECONDS = 60.0


@click.group()
def main() -> None:
    """Linking waiting mail, cold logins after a restart, the ends of sessions, and what time tells."""


main.add_command(endings)
main.add_command(timing)


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


if __name__ == "__main__":
    main()
