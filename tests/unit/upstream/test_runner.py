"""The daemon's care for many accounts: four at once, each with its own patience, all anew on a reload."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from tests.support.programs import private_file

from mailkeep.errors import InUse
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import AccountConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.sync import runner
from mailkeep.upstream.sync.runner import UpstreamRunner, wait_seconds

AWAY = UpstreamError(UpstreamCode.UNAVAILABLE, "away")
NEVER = 3600.0  # seconds
SECONDS = 60.0


class Accounts:
    """A store that holds accounts, and what syncing them does. Nobody listens at their servers' port."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.upstreams = SimpleNamespace(list=self._list)
        self._directory = directory
        self._records: list[UpstreamRecord] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way: Counter[str] = Counter()
        self.most = 0
        self.syncs: Counter[str] = Counter()
        self.passwords: dict[str, str] = {}
        monkeypatch.setattr(runner, "sync_account", self._sync)

    def add(self, name: str, **options: Any) -> AccountConfig:
        env_file = private_file(self._directory / f"{name}.env", "T_IMAP_PASSWORD=first\n")
        config = AccountConfig(
            f"{name}@there.example", imap="none://127.0.0.1:1", env_file=str(env_file), prefix="T", **options
        )
        record = UpstreamRecord(
            id=uuid.uuid4(),
            user_id=uuid.uuid4(),
            name=name,
            config=config.to_json(),
            created_at=datetime.now(UTC),
            last_sync_at=None,
            state="",
            said="",
        )
        self._records = [one for one in self._records if one.name != name]
        self._records.append(record)
        return config

    def change(self, name: str, config: str) -> None:
        """What the store keeps of it."""
        [old] = [one for one in self._records if one.name == name]
        values = {slot: getattr(old, slot) for slot in old.__slots__}
        self._records = [one for one in self._records if one is not old]
        self._records.append(UpstreamRecord(**{**values, "config": config}))

    def remove(self, name: str) -> None:
        self._records = [one for one in self._records if one.name != name]

    async def _list(self) -> list[UpstreamRecord]:
        return list(self._records)

    async def _sync(
        self, _: object, record: UpstreamRecord, __: object, account: UpstreamAccount, *___: object
    ) -> None:
        name = record.name
        self.under_way[name] += 1
        self.most = max(self.most, self.under_way.total())
        try:
            await self.gate.wait()
        finally:
            self.under_way[name] -= 1
        self.syncs[name] += 1
        assert account.config.imap is not None
        self.passwords[name] = account.config.imap.auth.password
        if name.startswith("bad"):
            raise AWAY


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setattr(runner, "WATCH_SECONDS", NEVER)
    monkeypatch.setattr(runner, "LIST_SECONDS", NEVER)
    monkeypatch.setattr(runner, "FIRST_WAIT_SECONDS", NEVER)
    monkeypatch.setattr(runner, "WAIT_LIMIT_SECONDS", NEVER)
    return Accounts(tmp_path, monkeypatch)


@asynccontextmanager
async def running(accounts: Accounts) -> AsyncIterator[UpstreamRunner]:
    made = UpstreamRunner(accounts)  # type: ignore[arg-type]
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


async def test_four_are_synced_at_once_and_then_the_others(accounts: Accounts) -> None:
    for number in range(9):
        accounts.add(f"account {number}")
    accounts.gate.clear()
    async with running(accounts) as made:
        await until(lambda: len(made._kept) == 9 and all(one.account for one, _ in made._kept.values()))
        for _ in range(20):
            await asyncio.sleep(0)
        assert accounts.under_way.total() == 4
        accounts.gate.set()
        await until(lambda: len(accounts.syncs) == 9)
    assert accounts.most == 4


async def test_accounts_that_fail_wait_alone_and_hold_no_place(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.upstream.config.INTERVAL_LEAST_SECONDS", 0.0)
    for number in range(5):
        accounts.add(f"bad {number}")
    accounts.add("good", interval_seconds=0.01)
    async with running(accounts):
        await until(lambda: accounts.syncs["good"] >= 5 and len(accounts.syncs) == 6)
    assert {name: count for name, count in accounts.syncs.items() if count > 1}.keys() == {"good"}


@pytest.mark.parametrize(
    ("error", "failures", "longest"),
    [
        (AWAY, 1, 5.0),
        (AWAY, 2, 10.0),
        (AWAY, 5, 80.0),
        (AWAY, 40, 900.0),
        (OSError(), 3, 20.0),
        (InUse("somebody else's turn"), 9, 5.0),
    ],
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(error: Exception, failures: int, longest: float) -> None:
    waits = [wait_seconds(error, failures) for _ in range(50)]
    assert all(wait is not None and longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1  # with jitter


def test_who_needs_a_sign_in_waits_for_it() -> None:
    assert wait_seconds(UpstreamError(UpstreamCode.SIGN_IN, "sign in"), 1) is None


async def test_a_reload_reads_secrets_and_wakes_those_who_wait(accounts: Accounts) -> None:
    config = accounts.add("bad one")
    async with running(accounts) as made:
        await until(lambda: accounts.syncs["bad one"] == 1)
        private_file(Path(config.env_file), "T_IMAP_PASSWORD=second\n")
        made.reload()
        await until(lambda: accounts.syncs["bad one"] == 2)
    assert accounts.passwords["bad one"] == "second"


async def test_a_reload_hears_of_accounts_that_came_changed_and_went(accounts: Accounts) -> None:
    config = accounts.add("bad one")
    accounts.add("bad two")
    async with running(accounts) as made:
        await until(lambda: len(accounts.syncs) == 2)
        [before] = [one.account for one, _ in made._kept.values() if one.record.name == "bad one"]
        assert before is not None
        accounts.add("bad three")
        accounts.remove("bad two")
        accounts.change("bad one", config.to_json().replace("127.0.0.1:1", "127.0.0.1:2"))
        made.reload()
        await until(lambda: accounts.syncs["bad one"] == 2 and accounts.syncs["bad three"] == 1)
        assert sorted(one.record.name for one, _ in made._kept.values()) == ["bad one", "bad three"]
        assert before.config.imap is not None
        assert before.config.imap.server.port == 2
    assert accounts.syncs["bad two"] == 1


@pytest.mark.parametrize("wrong", ["nothing of use\n", "T_IMAP_PASSWORD=p\nT_IMAP_OAUTH_TOKEN=t\n"])
async def test_a_reload_takes_all_or_nothing(accounts: Accounts, wrong: str) -> None:
    """A sync that is under way ends, and what was in force stays in force."""
    config = accounts.add("bad one")
    accounts.gate.clear()
    async with running(accounts) as made:
        await until(lambda: accounts.under_way["bad one"] == 1)
        private_file(Path(config.env_file), wrong)
        with structlog.testing.capture_logs() as told:
            made.reload()
            await until(lambda: "an account was not reloaded" in [line["event"] for line in told])
        accounts.gate.set()
        await until(lambda: accounts.syncs["bad one"] == 1)
    assert accounts.passwords["bad one"] == "first"


async def test_a_file_of_secrets_is_read_when_it_changes(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "WATCH_SECONDS", 0.01)
    config = accounts.add("bad one")
    async with running(accounts):
        await until(lambda: accounts.syncs["bad one"] == 1)
        private_file(Path(config.env_file), "T_IMAP_OAUTH_TOKEN=token\n")
        await until(lambda: accounts.syncs["bad one"] == 2)
    assert accounts.passwords["bad one"] == ""  # the token took the password's place
