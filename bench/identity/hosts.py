"""Whole hosts on a database of their own, and the same store beside them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import click
from tests.support.hosts import MailkeepUp, Person
from tests.support.postgres import PostgresCluster

from bench.clients.wire import Server
from bench.peers import private
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store

DOMAIN = "example.test"

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
