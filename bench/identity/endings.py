"""From what ends a key's sessions, to the end of the last of them on every host.

A key is revoked, a key expires, a user is disabled. Each round opens sessions on all hosts; the clock starts
with the commit, or with the moment that the key was made to end at.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import click
import uvloop
from tests.support.hosts import MailkeepUp, Person

from bench.clients.wire import spread
from bench.identity.hosts import DATABASE, DOMAIN, beside, running
from bench.identity.sessions import ended, open_everywhere
from mailkeep.auth import KeyService
from mailkeep.auth.keyservice import CreatedKey
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store

HEARD_SECONDS = 60.0
LIFE = timedelta(seconds=15)
"""Of a key that expires: longer than its sessions take to open on a busy machine."""

Took = dict[str, list[float]]
End = Callable[["Rounds", CreatedKey], Awaitable[float]]


@dataclass(slots=True)
class Rounds:
    """What each round needs."""

    up: MailkeepUp
    store: Store
    user: User
    sessions: int
    keys: KeyService = field(init=False)

    def __post_init__(self) -> None:
        self.keys = KeyService(self.store, AuthSettings())


@click.command()
@DATABASE
@click.option("--rounds", default=10)
@click.option("--sessions", default=50, help="Open IMAP sessions of each key.")
def endings(database: str, rounds: int, sessions: int) -> None:
    """From the revocation or expiry of a key, or a user's disabling, to the end of the last session."""
    with running(database) as up:
        told = uvloop.run(_endings(up, rounds, sessions))
        click.echo(json.dumps({"database": database, "rounds": rounds, "sessions": sessions} | told))


async def _endings(up: MailkeepUp, rounds: int, sessions: int) -> dict[str, object]:
    async with beside(up) as store:
        user = await store.directory.add_user(Address.parse(f"person@{DOMAIN}"))
        each = Rounds(up, store, user, sessions)
        return {name: await _measured(each, rounds, end) for name, end in ENDS.items()}


async def _measured(each: Rounds, rounds: int, end: End) -> dict[str, object]:
    took: Took = {"imap": [], "pop3": [], "smtp": [], "events": []}
    for _ in range(rounds):
        await _round(each, end, took)
    return {host: spread(times) for host, times in took.items()}


async def _round(each: Rounds, end: End, took: Took) -> None:
    expires = datetime.now(UTC) + LIFE if end is _expire else None
    made = await each.keys.create(each.user.id, "bench", expires_at=expires)
    opened = await open_everywhere(each.up, Person(f"person@{DOMAIN}", made.api_key), each.sessions)
    heard = [asyncio.create_task(ended(line, time.time)) for _, line in opened]
    await asyncio.sleep(0)
    began = await end(each, made)
    for (host, _), moment in zip(opened, heard, strict=True):
        took[host].append(await asyncio.wait_for(moment, HEARD_SECONDS) - began)
    await each.store.directory.set_disabled(each.user.id, False)


async def _revoke(each: Rounds, made: CreatedKey) -> float:
    began = time.time()
    await each.keys.revoke(made.id)
    return began


async def _disable(each: Rounds, made: CreatedKey) -> float:
    began = time.time()
    await each.store.directory.set_disabled(each.user.id, True)
    return began


async def _expire(each: Rounds, made: CreatedKey) -> float:
    assert made.key.expires_at is not None
    return made.key.expires_at.timestamp()


ENDS: dict[str, End] = {"key_revoked": _revoke, "user_disabled": _disable, "key_expired": _expire}
