"""`mailkeep addresses ask` and `confirm`: an address proven by the code that was mailed there."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from tests.conftest import open_test_store

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

ALICE, WANTED = "alice@example.org", "sales@example.org"
Run = Callable[..., Result]


@pytest.fixture
def run(store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `mailkeep addresses` on a store with alice in it."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)

    def run(*words: str, typed: str = "") -> Result:
        where = ["--data-dir", store_settings.data_dir, "--database", store_settings.database]
        return CliRunner().invoke(main, [*words, *where], input=typed)

    assert run("domains", "add", "example.org").exit_code == 0
    assert run("users", "add", ALICE).exit_code == 0
    return lambda *words, **more: run("addresses", *words, **more)


async def mailed_code(settings: StoreSettings) -> str:
    async with open_test_store(settings) as store:
        [account_id] = [one.account_id for one in await store.directory.addresses() if one.address == WANTED]
        inbox = await store.mailboxes.get(account_id, "INBOX")
        snapshot = await store.messages.snapshot(inbox.id)
        octets = await (await store.messages.body(snapshot.message_ids[-1])).read()
    found = re.search(rb"\r\n    (\S+)\r\n", octets)
    assert found
    return found[1].decode()


def test_asked_for_listed_and_confirmed(run: Run, store_settings: StoreSettings) -> None:
    asked = run("ask", ALICE, WANTED)
    assert asked.exit_code == 0, asked.output
    assert f"mailkeep addresses confirm {ALICE} {WANTED}" in asked.stdout
    listed = json.loads(run("list", ALICE, "--json").stdout)
    assert [(one["address"], one["verified"]) for one in listed] == [(ALICE, True), (WANTED, False)]
    wrong = run("confirm", ALICE, WANTED, typed="00000-00000\n")
    assert (wrong.exit_code, "addresses ask" in wrong.stderr) == (1, True)
    right = run("confirm", ALICE, WANTED, "--json", typed=asyncio.run(mailed_code(store_settings)) + "\n")
    assert json.loads(right.stdout[right.stdout.index("{") :])["verified"] is True, right.output


def test_what_nobody_asked_for_is_not_confirmed(run: Run) -> None:
    ran = run("confirm", ALICE, WANTED, typed="00000-00000\n")
    assert (ran.exit_code, "has not asked for" in ran.stderr) == (1, True)


def test_where_no_mail_goes_the_operator_is_told_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILKEEP_RELAY_ROUTE", "off")
    ran = run("ask", ALICE, "alice@elsewhere.example")
    assert ran.exit_code == 1
    assert "mailkeep addresses add" in ran.stderr
