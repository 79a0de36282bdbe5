"""Reading a server-sent event stream as an EventSource would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

WAIT = 10
Events = AsyncIterator[dict[str, str]]


@asynccontextmanager
async def listening(
    client: httpx2.AsyncClient, last: str = ""
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """The caller's stream, once the server has opened it."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert await asyncio.wait_for(anext(lines), WAIT) == "retry: 2000"
        yield _events_of(lines)


async def _events_of(lines: AsyncIterator[str]) -> Events:
    event: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
        elif "data" in event:
            yield event
            event = {"id": event["id"]}


async def heard(events: Events) -> dict[str, str]:
    """The next event; fails if none comes in time."""
    return await asyncio.wait_for(anext(events), WAIT)
