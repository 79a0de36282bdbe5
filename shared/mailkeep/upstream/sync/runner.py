"""Accounts elsewhere kept in step for as long as the process runs: by IDLE, by interval, with patience.

Each account has a task of its own, so one that fails waits alone; how many sync at once is bounded. A changed
file of secrets is read again by itself, everything on `reload`.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any
from uuid import UUID

from mailkeep.errors import InUse, MailkeepError, StoreUnavailable
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import (
    ALL_FOLDERS,
    AccountConfig,
    Secrets,
    open_account,
    read_config,
    transports,
)
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.sync import idle
from mailkeep.upstream.sync.account import sync_account

SYNCS_AT_ONCE = 4
LIST_SECONDS = 30.0  # until accounts that were added or removed are noticed
WATCH_SECONDS = 2.0
FIRST_WAIT_SECONDS = 5.0
WAIT_LIMIT_SECONDS = 900.0

log = get_logger(__name__)


class _Kept:
    """One account in the runner's care."""

    def __init__(self, record: UpstreamRecord) -> None:
        self.record = record
        self.config: AccountConfig | None = None
        self.account: UpstreamAccount | None = None
        self.secrets_seen = 0
        self.seen: object = None
        """How the folder that we IDLE in looked before the last sync."""

        self.broken_off = 0
        """How often in a row IDLE failed."""

        self.wake = asyncio.Event()


class UpstreamRunner:
    """`run` until it is cancelled; `reload` at any time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[UUID, tuple[_Kept, asyncio.Task[None]]] = {}
        self._tasks = TaskRegistry()
        self._places = asyncio.Semaphore(SYNCS_AT_ONCE)
        self._relist = asyncio.Event()

    async def run(self) -> None:
        """Keep all accounts in step."""
        self._tasks.spawn(self._watch(), "secrets of accounts elsewhere")
        try:
            while True:
                with suppress(StoreUnavailable):
                    await self._list()
                self._relist.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LIST_SECONDS):
                        await self._relist.wait()
        finally:
            await self._tasks.close()
            for kept, _ in self._kept.values():
                if kept.account is not None:
                    await kept.account.close()

    def reload(self) -> None:
        """Read configuration and secrets again. Syncs under way finish on the old ones."""
        self._relist.set()
        for kept, _ in self._kept.values():
            self._tasks.spawn(self._reload(kept), f"reload {kept.record.name}")

    # --- which accounts there are -------------------------------------------------------------------

    async def _list(self) -> None:
        records = {record.id: record for record in await self._store.upstreams.list()}
        for id in [id for id in self._kept if id not in records]:
            kept, task = self._kept.pop(id)
            task.cancel()
            if kept.account is not None:
                await kept.account.close()
        for id, record in records.items():
            if id not in self._kept:
                kept = _Kept(record)
                task = self._tasks.spawn(self._keep(kept), f"account {record.name}")
                self._kept[id] = (kept, task)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for kept, _ in list(self._kept.values()):
                if kept.config is not None and kept.config.env_file:
                    changed_at = await asyncio.to_thread(_changed_at, kept.config)
                    if changed_at != kept.secrets_seen:
                        kept.secrets_seen = changed_at
                        await self._reload(kept)

    async def _reload(self, kept: _Kept) -> None:
        """All of it or nothing: a file that cannot be used leaves what is in force as it was."""
        if kept.account is None or kept.config is None:
            kept.wake.set()
            return
        try:
            records = {record.id: record for record in await self._store.upstreams.list()}
            config = read_config(records[kept.record.id].config)
            secrets = Secrets(config)
            variables = await asyncio.to_thread(secrets.variables)
            kept.account.reload_config(lambda: transports(config, variables))
            kept.config = config
        except (KeyError, MailkeepError) as error:
            log.warning("an account was not reloaded", account=kept.record.name, reason=str(error))
        else:
            kept.wake.set()

    # --- one account --------------------------------------------------------------------------------

    async def _keep(self, kept: _Kept) -> None:
        failures = 0
        while True:
            kept.wake.clear()
            try:
                await self._sync(kept)
            except (MailkeepError, OSError) as error:
                failures += 1
                await self._wait_after(kept, error, failures)
            else:
                failures = 0
                await self._until_news(kept)

    async def _sync(self, kept: _Kept) -> None:
        if kept.account is None:
            kept.config = read_config(kept.record.config)
            kept.secrets_seen = await asyncio.to_thread(_changed_at, kept.config)
            kept.account = await asyncio.to_thread(open_account, kept.record.name, kept.config)
        assert kept.config is not None
        async with self._places:
            await sync_account(self._store, kept.record, kept.config, kept.account, _quiet)

    async def _wait_after(self, kept: _Kept, error: Exception, failures: int) -> None:
        log.warning(
            "an account elsewhere could not be synced",
            account=kept.record.name,
            reason=str(error),
            code=error.code.value if isinstance(error, UpstreamError) else type(error).__name__,
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds(error, failures)):
                await kept.wake.wait()

    async def _until_news(self, kept: _Kept) -> None:
        """Until the server has news, the interval is over, or somebody reloads."""
        assert kept.config is not None
        seconds = kept.config.interval_seconds
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(kept.wake.wait())]
        if kept.account is not None:
            waiting.append(asyncio.ensure_future(self._idle(kept, kept.account, seconds)))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)

    async def _idle(self, kept: _Kept, account: UpstreamAccount, seconds: float) -> None:
        """Return when the first folder has news; a server without IDLE is waited out, and one that breaks it
        off is asked again after a while."""
        assert kept.config is not None
        first = kept.config.folders[0]
        try:
            async with account.imap() as connection:
                if not await idle.has_idle(connection):
                    await asyncio.sleep(seconds)
                    return
                looks = await idle.look(connection, "INBOX" if first == ALL_FOLDERS else first)
                if looks == kept.seen:
                    await idle.wait_for_news(connection, seconds)
                kept.seen = looks
                kept.broken_off = 0
        except UpstreamError as error:
            kept.broken_off += 1
            wait = wait_seconds(error, kept.broken_off)
            log.info("IDLE was broken off", account=account.name, reason=str(error))
            await asyncio.sleep(seconds if wait is None else min(wait, seconds))


def wait_seconds(error: Exception, failures: int) -> float | None:
    """How long an account waits after so many failures in a row, with jitter; None: until it is woken."""
    if isinstance(error, UpstreamError) and error.code is UpstreamCode.SIGN_IN:
        return None  # only a new token helps
    seconds = min(FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 16), WAIT_LIMIT_SECONDS)
    if isinstance(error, InUse):
        seconds = FIRST_WAIT_SECONDS
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311


def _changed_at(config: AccountConfig) -> int:
    return Secrets(config).changed_at


def _quiet(*_: Any) -> None:
    """Nobody watches the progress of a daemon."""
