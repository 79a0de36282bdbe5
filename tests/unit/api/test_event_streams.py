"""An open stream as its connection sees it: kept alive in silence, one place of the process, deaf to what the
client sends, and not waited for once it is over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api import event_streams
from mailkeep_api.event_streams import EventStreams, OpenStream
from mailkeep_api.hub import BACKLOG_LIMIT, Hub

WAIT = 20.0
ANN = uuid4()
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(api: ApiHost) -> Connection:
    host, _, port = api.url.removeprefix("http://").rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def opened(api: ApiHost, key: str, version: str = "1.1") -> Connection:
    """A stream whose first line has come."""
    reader, writer = await connected(api)
    writer.write(f"GET /api/events HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"retry: 2000\n"), WAIT)
    return reader, writer


async def test_a_silent_stream_is_kept_alive(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "KEEPALIVE_SECONDS", 0.05)
    key = await api.key(await api.user("ann@example.test"), Scope.API_READ)
    reader, writer = await opened(api, key)
    for _ in range(3):
        await asyncio.wait_for(reader.readuntil(b": ping\n\n"), WAIT)
    writer.close()


async def test_a_stream_ends_in_the_words_of_its_framing(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    key = await api.key(user, Scope.API_READ)
    streams = [await opened(api, key), await opened(api, key)]
    await api.store.directory.set_disabled(user, True)
    for reader, _ in streams:
        assert (await asyncio.wait_for(reader.read(), WAIT)).endswith(b"\r\n0\r\n\r\n")


async def test_what_a_client_sends_into_a_stream_is_nothing(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    reader, writer = await opened(api, await api.key(user, Scope.API_READ))
    writer.write(b"GET /api/emails HTTP/1.1\r\n\r\n" * 1000)
    await writer.drain()
    await api.store.directory.set_disabled(user, True)
    assert b"HTTP/1.1" not in await asyncio.wait_for(reader.read(), WAIT)


async def test_a_stream_is_a_connection_until_its_client_leaves(
    store: Store, store_settings: StoreSettings
) -> None:
    async with running_api(store, store_settings, per_network=1) as api:
        key = await api.key(await api.user("ann@example.test"), Scope.API_READ)
        _, writer = await opened(api, key)
        refused, _ = await connected(api)
        assert (await asyncio.wait_for(refused.read(), WAIT)).startswith(b"HTTP/1.1 503")
        writer.close()
        async with asyncio.timeout(WAIT):
            while True:  # the host hears of it when its loop comes round
                reader, writer = await connected(api)
                writer.write(b"GET /api/emails HTTP/1.1\r\nHost: x\r\n\r\n")
                if (await reader.readline()).startswith(b"HTTP/1.1 401"):
                    break
                writer.close()
        writer.close()


# --- over a connection whose other end takes nothing ------------------------------------------------------


class Process:
    """What a stream needs of its process."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.connections: set[Any] = set()
        self.released = asyncio.Event()
        self.services = SimpleNamespace(
            hub=self.hub,
            event_streams=EventStreams(),
            authenticator=SimpleNamespace(watch=lambda principal, ended: lambda: None),
            following=SimpleNamespace(position=lambda user: ""),
        )

    def stream(self) -> OpenStream:
        caller = SimpleNamespace(user_id=ANN, principal=None)
        return OpenStream(cast(Any, self.services), cast(Any, caller), None)


@asynccontextmanager
async def deaf(process: Process) -> AsyncIterator[socket.socket]:
    """The client's end, from which nobody reads, of a stream with little room between."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    stream = process.stream()
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: stream, sock=ours)
    stream.begin(transport, chunked=True, connections=process.connections, release=process.released.set)
    stream.listen("", None)
    with theirs:
        yield theirs
    transport.abort()


async def told(process: Process, count: int) -> None:
    for _ in range(count):
        process.hub.publish(ANN, "News", "x" * 1000)
        await asyncio.sleep(0)


async def test_a_client_that_takes_nothing_loses_its_stream() -> None:
    process = Process()
    async with deaf(process):
        await told(process, 2 * BACKLOG_LIMIT)
        await asyncio.wait_for(process.released.wait(), WAIT)
    assert not process.connections
    assert process.hub.stream_count == 0


async def test_a_stream_that_is_over_does_not_wait_for_its_client() -> None:
    process = Process()
    async with deaf(process):
        await told(process, 200)
        assert not process.released.is_set()
        process.hub.close()
        await asyncio.wait_for(process.released.wait(), WAIT)


async def test_a_slow_client_hears_all_in_order() -> None:
    process = Process()
    async with deaf(process) as theirs:
        await told(process, 200)
        theirs.setblocking(False)
        octets = b""
        async with asyncio.timeout(WAIT):
            while octets.count(b"event: News") < 200:
                octets += await asyncio.get_running_loop().sock_recv(theirs, 65536)
        ids = [int(line.split(b".")[1]) for line in octets.splitlines() if line.startswith(b"id: ")]
    assert ids == sorted(ids)
    assert len(ids) == 201  # and where it stood at the beginning
