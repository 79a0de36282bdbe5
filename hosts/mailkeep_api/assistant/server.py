"""The assistant's server inside the API host: begun by the first request, ended with the host. Here is also
what outlives a call to a connected account.

The SDK's task group must be entered and left by one task; that task is owned here, not by a request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from mailkeep.errors import StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep_api.assistant.in_doubt import InDoubt
from mailkeep_api.assistant.places import Places

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

START_SECONDS = 60.0
NOT_STARTED = "The server for assistants did not start."


class AssistantServer:
    """`handle` for each request that was let in, `close` after the last."""

    def __init__(self) -> None:
        self.places = Places()
        self.in_doubt = InDoubt()
        self._tasks = TaskRegistry()
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as an ASGI application."""
        manager = await self._started()
        await manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """End what is under way."""
        await self._tasks.close()

    async def _started(self) -> StreamableHTTPSessionManager:
        """What answers; begun anew if an earlier one has ended. Raises StoreUnavailable."""
        if self._manager is None:
            self._manager = asyncio.get_running_loop().create_future()
            self._tasks.spawn(self._run(self._manager), "assistants' server")
        try:
            async with asyncio.timeout(START_SECONDS):
                return await asyncio.shield(self._manager)
        except TimeoutError:
            raise StoreUnavailable(NOT_STARTED) from None

    async def _run(self, started: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        try:
            manager = await asyncio.to_thread(_loaded)
            async with manager.run():
                started.set_result(manager)
                await asyncio.Event().wait()
        finally:
            self._manager = None
            if not started.done():
                started.set_exception(StoreUnavailable(NOT_STARTED))
                started.exception()  # told to those who wait, if anybody does


def _loaded() -> StreamableHTTPSessionManager:
    """In a thread: half a second, and what only assistants need."""
    from mailkeep_api.assistant import connected  # noqa: F401, PLC0415  see Call.mailbox
    from mailkeep_api.assistant.protocol import manager  # noqa: PLC0415

    return manager()
