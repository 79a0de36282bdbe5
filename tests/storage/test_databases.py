"""What tests rely on: a database that is used again is as a new one."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, deliver, new_inbox
from tests.support.databases import Databases
from tests.support.postgres import PostgresCluster

from mailkeep.settings import StoreSettings

_ALL = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


async def _everything(cluster: PostgresCluster, name: str) -> dict[str, list[Any]]:
    connection = await asyncpg.connect(cluster.dsn(name))
    try:
        tables = [row[0] for row in await connection.fetch(_ALL)]
        found = {table: await connection.fetch(f'SELECT * FROM "{table}"') for table in tables}
        found["sequences"] = await connection.fetch("SELECT * FROM pg_sequences ORDER BY sequencename")
        return found
    finally:
        await connection.close()


async def test_a_used_database_is_emptied_and_used_again(
    postgres_cluster: PostgresCluster, postgres_template: str, tmp_path: Any
) -> None:
    databases = Databases(postgres_cluster, postgres_template)
    name = await asyncio.to_thread(databases.take)
    settings = StoreSettings(data_dir=str(tmp_path), database=postgres_cluster.url(name))
    async with open_test_store(settings) as store:
        inbox = await new_inbox(store)
        await append(store, inbox)
        await deliver(store, "alice")
    assert await _everything(postgres_cluster, name) != await _everything(postgres_cluster, postgres_template)
    await asyncio.to_thread(databases.give_back, name)
    assert await _everything(postgres_cluster, name) == await _everything(postgres_cluster, postgres_template)
    assert await asyncio.to_thread(databases.take) == name
    await asyncio.to_thread(postgres_cluster.drop_database, name)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE label ADD COLUMN more int",
        "ALTER TABLE label ADD CHECK (true)",
        "CREATE INDEX ON entry (uid)",
    ],
)
async def test_a_database_with_other_tables_is_not_used_again(
    postgres_cluster: PostgresCluster, postgres_template: str, change: str
) -> None:
    databases = Databases(postgres_cluster, postgres_template)
    name = await asyncio.to_thread(databases.take)
    await asyncio.to_thread(postgres_cluster.execute, change, name)
    await asyncio.to_thread(databases.give_back, name)
    another = await asyncio.to_thread(databases.take)
    assert another != name
    await asyncio.to_thread(postgres_cluster.drop_database, another)
