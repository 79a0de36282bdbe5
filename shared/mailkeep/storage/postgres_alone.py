"""A connection to PostgreSQL outside of the pool, for who asks again and again and never for two at once.

asyncpg's pool takes and gives back by tasks, timers and shields, which a delivery that is one statement would
pay for with a twentieth of its CPU. Nothing here tries again: who asks hears that the server is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg


class Alone:
    """Made when it is needed and there is none; `async with` gives it to one at a time."""

    def __init__(self, arguments: Mapping[str, Any], **server_settings: str) -> None:
        self._arguments = {
            **arguments,
            "server_settings": {**arguments["server_settings"], **server_settings},
        }
        self._connection: Any = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Any:
        await self._lock.acquire()  # who holds it has a timeout of its own
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(**self._arguments)
        except BaseException:
            self._lock.release()
            raise
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    async def close(self) -> None:
        """Say goodbye to the server."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    def terminate(self) -> None:
        """Break it off."""
        if self._connection is not None:
            self._connection.terminate()
