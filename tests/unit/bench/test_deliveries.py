"""Deliveries are counted by their last 250, and a refusal ends the measurement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from bench.clients.deliveries import Load, measure
from bench.clients.messages import message
from bench.clients.wire import Server, Unexpected

LOAD = Load("a@bench.test", "b@example.test", count=7, sessions=2, size=600)


@dataclass(slots=True)
class Sink:
    """A server that takes mail and counts it. After `full_after` messages it refuses each."""

    full_after: int = 1_000_000
    connections: int = 0
    messages: int = 0
    quits: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        writer.write(b"220-hello\r\n220 sink\r\n")
        while command := await reader.readline():
            writer.write(await self._answer(command.upper(), reader, writer))
        writer.close()

    async def _answer(
        self, command: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        if command.startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            self.messages += 1
            return b"250 taken\r\n" if self.messages <= self.full_after else b"452 4.3.1 full\r\n"
        if command.startswith(b"QUIT"):
            self.quits += 1
            return b"221 bye\r\n"
        return b"250-sink\r\n250 SIZE\r\n" if command.startswith(b"EHLO") else b"250 ok\r\n"


@asynccontextmanager
async def listening(sink: Sink) -> AsyncIterator[Server]:
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    async with server:
        yield Server("127.0.0.1", server.sockets[0].getsockname()[1])


async def test_every_message_is_sent_once() -> None:
    sink = Sink()
    async with listening(sink) as server:
        found = await measure(server, LOAD)
    assert (sink.messages, sink.connections, sink.quits) == (7, 2, 2)
    assert found["messages"] == 7


async def test_a_connection_for_each_message_is_one_for_each() -> None:
    sink = Sink()
    async with listening(sink) as server:
        await measure(server, Load("a@bench.test", "b@example.test", 7, 2, 600, per_connection=1))
    assert (sink.messages, sink.connections, sink.quits) == (7, 7, 7)


async def test_time_ends_a_load_without_end() -> None:
    sink = Sink()
    async with listening(sink) as server:
        found = await measure(server, Load("a@bench.test", "b@example.test", 10**9, 2, 600, seconds=0.05))
    assert found["messages"] == sink.messages > 0


async def test_a_refusal_after_the_dot_is_no_delivery() -> None:
    async with listening(Sink(full_after=3)) as server:
        with pytest.raises(ExceptionGroup) as raised:
            await measure(server, LOAD)
    assert raised.group_contains(Unexpected, match="452")


@pytest.mark.parametrize("size", [300, 1000, 4096, 100_000])
def test_messages_are_alike_and_need_no_dot_stuffing(size: int) -> None:
    first, second = message(1, size), message(2, size)
    assert first != second
    assert len(first) == len(second) <= max(size, 450)
    assert size < 1000 or len(first) > size - 130
    assert b"\r\n." not in first
    assert first.endswith(b"\r\n")
    assert b"\n" not in first.replace(b"\r\n", b"")
