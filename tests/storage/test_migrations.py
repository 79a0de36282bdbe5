"""Migrations make exactly the tables that the code uses, once, and refuse a store of the future."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.postgres import PostgresCluster

from mailkeep.errors import SettingsError
from mailkeep.settings import StoreSettings
from mailkeep.storage import migrate, migrating
from mailkeep.storage.tables import metadata


def differences(connection: Any) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection), metadata)


def test_sqlite_has_the_tables_that_the_code_uses(sqlite_settings: StoreSettings) -> None:
    engine = create_engine(f"sqlite:///{sqlite_settings.data_dir}/mailkeep.sqlite3")
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_postgres_has_the_tables_that_the_code_uses(postgres_settings: StoreSettings) -> None:
    engine = create_async_engine(postgres_settings.database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrating.SCRIPTS))
    return ScriptDirectory.from_config(config)


def test_the_head_that_the_code_knows_is_the_last_script() -> None:
    assert scripts().get_heads() == [migrating.HEAD]


def test_what_takes_away_or_changes_says_that_hosts_from_before_cannot_go_on() -> None:
    """docs/storage.md, "Migrations"."""
    contracting = re.compile(r"drop_|rename_|alter_column|batch_alter_table|nullable=False\)\)|create_unique")
    for script in scripts().walk_revisions():
        oldest = getattr(script.module, "oldest", script.revision)
        assert oldest <= script.revision, script.path
        if oldest < script.revision:
            assert not contracting.findall(Path(script.path).read_text()), script.path


async def test_a_migration_waits_for_hosts_that_hold_a_table_and_lets_them_go_first(
    postgres_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade(connection: Any) -> None:
        connection.exec_driver_sql("ALTER TABLE mailbox ADD COLUMN further TEXT")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    monkeypatch.setattr(migrating, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrating, "HEAD", "9999")
    monkeypatch.setattr(migrating, "_upgrade", upgrade)
    engine = create_async_engine(postgres_settings.database_url)
    async with engine.begin() as host:
        await host.exec_driver_sql("SELECT count(*) FROM mailbox")
        migration = asyncio.ensure_future(migrate(postgres_settings))
        async with engine.begin() as other:  # behind the migration in the line, until that gives up its place
            await asyncio.sleep(0.3)
            await other.exec_driver_sql("SELECT count(*) FROM mailbox")
        assert not migration.done()
    await migration
    await engine.dispose()


async def test_migrating_again_changes_nothing(store_settings: StoreSettings) -> None:
    await migrate(store_settings)
    await migrate(store_settings)


async def test_a_store_of_a_newer_version_is_left_alone_unless_it_says_otherwise(
    sqlite_settings: StoreSettings,
) -> None:
    with closing(sqlite3.connect(f"{sqlite_settings.data_dir}/mailkeep.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    await migrate(sqlite_settings)  # it says that this version may go on
    with closing(sqlite3.connect(f"{sqlite_settings.data_dir}/mailkeep.sqlite3")) as connection:
        connection.execute("UPDATE compatibility SET oldest = '9999'")
        connection.commit()
    with pytest.raises(SettingsError, match="newer"):
        await migrate(sqlite_settings)


async def test_a_migration_does_not_let_hosts_back_in_that_were_shut_out(
    sqlite_settings: StoreSettings,
) -> None:
    """What was done to the store since (content moved into an object store) may ask for more than it does."""
    engine = create_engine(f"sqlite:///{sqlite_settings.data_dir}/mailkeep.sqlite3")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE compatibility SET oldest = '9000'")
        migrating._upgrade(connection)
        assert connection.exec_driver_sql("SELECT oldest FROM compatibility").scalar() == "9000"
    engine.dispose()


async def test_a_postgres_store_of_a_newer_version_is_left_alone_unless_it_says_otherwise(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    database = postgres_settings.database.rsplit("/", 1)[1]
    postgres_cluster.execute("UPDATE alembic_version SET version_num = '9999'", database)
    await migrate(postgres_settings)
    postgres_cluster.execute("UPDATE compatibility SET oldest = '9999'", database)
    with pytest.raises(SettingsError, match="newer"):
        await migrate(postgres_settings)


async def test_an_upgrade_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = StoreSettings(data_dir=str(tmp_path))

    def fail(connection: Any) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_upgrade", fail)
        with pytest.raises(ZeroDivisionError):
            await migrate(settings)
    with closing(sqlite3.connect(tmp_path / "mailkeep.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    await migrate(settings)


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    await migrate(StoreSettings(data_dir=str(data_dir)))
    assert data_dir.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in data_dir.iterdir())
