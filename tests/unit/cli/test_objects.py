"""`mailkeep objects` and the doctor where there is no object store, or none that answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import Settings, StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage.opening import opened_database
from mailkeep.storage.query import Query
from mailkeep_cli import context
from mailkeep_cli.checks import distant
from mailkeep_cli.main import main

AWAY = ObjectSettings(
    bucket="mail", endpoint="http://127.0.0.1:9", access_key="key", secret_key="a secret", timeout_seconds=0.5
)


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def objects(settings: StoreSettings, *words: str) -> Result:
    where = ["--data-dir", settings.data_dir, "--database", settings.database]
    return CliRunner().invoke(main, ["objects", *words, *where])


async def moved(settings: StoreSettings) -> None:
    """As if some large content lay elsewhere."""
    rows = (
        "INSERT INTO blob (digest, size, touched, chunk) VALUES (:digest, 300000, 0, :digest)",
        "INSERT INTO blob_object (digest, key, size, ends) VALUES (:digest, 'k', 40000, :digest)",
    )
    async with opened_database(settings) as database:
        for row in rows:
            await database.write(lambda t, row=row: t.run(Query(row), digest=b"\0\0\x9c\x40"))  # type: ignore[misc]


async def findings(settings: StoreSettings, objects: ObjectSettings) -> list[tuple[str, str]]:
    whole = Settings(store=settings, objects=objects)
    return [(found.state.value, found.sentence) async for found in distant.check(whole)]


def test_status_without_an_object_store(store_settings: StoreSettings) -> None:
    said = objects(store_settings, "status").stdout
    assert said == ("0 large contents lie in the object store, 0; 0 in the database, [objects] is not set.\n")
    facts = json.loads(objects(store_settings, "status", "--json").stdout)
    assert facts == {"in_database": 0, "due": 0, "in_objects": 0, "octets": 0, "leaving": 0}


@pytest.mark.parametrize("words", [("move",), ("move", "--back")])
def test_nothing_is_moved_without_one(store_settings: StoreSettings, words: tuple[str, ...]) -> None:
    refused = objects(store_settings, *words)
    assert refused.exit_code == 1
    assert "[objects] bucket is not set." in refused.output
    assert "docs/storage.md" in refused.output


def test_the_doctor_says_nothing_where_none_is_needed(store_settings: StoreSettings) -> None:
    assert asyncio.run(findings(store_settings, ObjectSettings())) == []


def test_the_doctor_finds_content_whose_place_is_not_set(store_settings: StoreSettings) -> None:
    asyncio.run(moved(store_settings))
    ((state, sentence),) = asyncio.run(findings(store_settings, ObjectSettings()))
    assert (state, "[objects] is not set" in sentence) == ("failure", True)


def test_the_doctor_finds_one_that_does_not_answer(sqlite_settings: StoreSettings) -> None:
    ((state, sentence),) = asyncio.run(findings(sqlite_settings, AWAY))
    assert (state, "cannot be written" in sentence) == ("failure", True)


def test_the_doctor_finds_settings_that_cannot_be_used(sqlite_settings: StoreSettings) -> None:
    ((state, sentence),) = asyncio.run(findings(sqlite_settings, replace(AWAY, ca_file="/nowhere")))
    assert (state, "ca_file" in sentence) == ("failure", True)
