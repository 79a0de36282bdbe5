"""Accounts that stay open between uses: opened at the first, again when configuration or secrets changed.

A token that was refreshed stays with the account, so that two uses within its life need one refresh.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import AccountConfig, Secrets, open_account, transports

KEPT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class _Open:
    config: AccountConfig
    changed_at: int
    account: UpstreamAccount


class AccountOpener:
    """Accounts by key."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    async def open(self, key: str, name: str, config: AccountConfig) -> UpstreamAccount:
        """Raises UpstreamError; secrets that cannot be used then leave what was in force as it was."""
        secrets = Secrets(config)
        changed_at = await asyncio.to_thread(lambda: secrets.changed_at)
        found = self._open.get(key)
        if found is not None and found.config == config:
            if found.changed_at != changed_at:
                variables = await asyncio.to_thread(secrets.variables)
                found.account.reload_config(lambda: transports(config, variables))
                self._open[key] = _Open(config, changed_at, found.account)
            return found.account
        made = await asyncio.to_thread(open_account, name, config)
        if found is not None:
            await found.account.close()
        elif len(self._open) >= KEPT_LIMIT:
            await self._open.pop(next(iter(self._open))).account.close()
        self._open[key] = _Open(config, changed_at, made)
        return made

    async def close(self) -> None:
        """Let go of refresh providers' connections."""
        while self._open:
            await self._open.popitem()[1].account.close()
