"""`mailkeep queue`: what operators see of outgoing mail, and what they can do about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from tests.conftest import open_test_store

from mailkeep.delivery.prepare import prepare_content
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery
from mailkeep.model.queue import Envelope, Outbound, OutboundRecipient
from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

MESSAGE = b"From: Alice <alice@example.org>\r\nSubject: \x1b[31mred\r\n\r\nhello\r\n"

Run = Callable[..., str]


async def fill(settings: StoreSettings) -> None:
    now = datetime.now(UTC)
    async with open_test_store(settings) as store:
        for number, recipients in enumerate((["a@far.test", "b@near.test"], ["c@far.test"]), start=1):
            out = Outbound(
                f"m{number}",
                Envelope(Address.parse("alice@example.org"), ret="HDRS"),
                tuple(OutboundRecipient(Address.parse(one)) for one in recipients),
                now + timedelta(hours=1),
                now + timedelta(days=5),
            )
            await store.committer.deliver(Delivery(await prepare_content(MESSAGE), (), now, out))


@pytest.fixture
def run(store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one command; what it said."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)
    asyncio.run(fill(store_settings))

    def command(*words: str) -> str:
        where = ["--data-dir", store_settings.data_dir, "--database", store_settings.database]
        ran = CliRunner().invoke(main, ["queue", *words, *where])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    return command


def listed(run: Run, *words: str) -> dict[str, str]:
    return {row["id"]: row["state"] for row in json.loads(run("list", *words, "--json"))}


def test_what_waits_is_listed(run: Run) -> None:
    assert listed(run) == {"m1-1": "waiting", "m1-2": "waiting", "m2-1": "waiting"}
    assert list(listed(run, "--domain", "near.test")) == ["m1-2"]
    assert list(listed(run, "--sender", "alice@example.org", "--limit", "1")) == ["m1-1"]
    assert listed(run, "--sender", "") == {}
    assert "a@far.test" in run("list")


def test_a_message_is_shown_without_steering_the_terminal(run: Run) -> None:
    facts = json.loads(run("show", "m1", "--json"))
    assert (facts["sender"], facts["ret"], facts["size"]) == ("alice@example.org", "HDRS", len(MESSAGE))
    assert [one["recipient"] for one in facts["recipients"]] == ["a@far.test", "b@near.test"]
    shown = run("show", "m1-2")
    assert "b@near.test" in shown
    assert "red" in shown
    assert "\x1b" not in shown


def test_what_is_held_is_released(run: Run) -> None:
    assert json.loads(run("hold", "--domain", "far.test", "--json")) == {"recipients": 2}
    assert listed(run, "--held") == {"m1-1": "held", "m2-1": "held"}
    assert json.loads(run("status", "--json"))["held"] == 2
    assert run("release", "m1") == "1 recipient released.\n"
    assert run("release", "--all") == "1 recipient released.\n"
    assert listed(run, "--held") == {}


def test_retrying_and_dropping(run: Run) -> None:
    assert run("retry", "--all") == "3 recipients will be tried now.\n"
    assert run("drop", "m1-1", "m2") == "2 recipients dropped.\n"
    assert list(listed(run)) == ["m1-2"]
    assert "1 waiting, 0 being sent, 0 held, the oldest since 20" in run("status")


@pytest.mark.parametrize("command", ["retry", "hold", "release", "drop"])
def test_everything_is_meant_only_if_it_is_said(store_settings: StoreSettings, command: str) -> None:
    ran = CliRunner().invoke(main, ["queue", command, "--data-dir", store_settings.data_dir])
    assert ran.exit_code == 2
    assert "Name IDS, --domain or --all." in ran.output
