"""A client of the hub, as SignalR's own libraries talk: negotiate, connect, shake hands, listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.api_host import ApiHost
from websockets.asyncio.client import ClientConnection, connect

WAIT = 10
PING = {"type": 6}


class HubClient:
    """A connection after the handshake."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._records: list[dict[str, Any]] = []

    async def send(self, *messages: object) -> None:
        await self.socket.send("".join(json.dumps(message) + "\x1e" for message in messages))

    async def record(self) -> dict[str, Any]:
        """The next record, pings included."""
        while not self._records:
            frame = await asyncio.wait_for(self.socket.recv(), WAIT)
            text = frame if isinstance(frame, str) else frame.decode()
            self._records += [json.loads(part) for part in text.split("\x1e") if part]
        return self._records.pop(0)

    async def event(self) -> tuple[str, Any]:
        """(target, argument) of the next invocation."""
        while (record := await self.record()) == PING:
            continue
        assert record["type"] == 1, record
        (argument,) = record["arguments"]
        return record["target"], argument


def hub_url(api: ApiHost, query: str = "") -> str:
    return f"ws{api.url.removeprefix('http')}/hubs/email{query}"


@asynccontextmanager
async def hub(
    api: ApiHost, key: str = "", *, header: bool = False, cookie: str = "", origin: str | None = None
) -> AsyncIterator[HubClient]:
    """Connect with a key in the query or the header, or with a browser's cookie."""
    headers = {"Authorization": f"Bearer {key}"} if header else {}
    if cookie:
        headers["Cookie"] = cookie
    url = hub_url(api, f"?access_token={key}" if key and not header else "?id=x")
    async with connect(url, additional_headers=headers, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
        client = HubClient(socket)
        await client.send({"protocol": "json", "version": 1})
        assert await client.record() == {}
        yield client
