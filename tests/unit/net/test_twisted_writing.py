"""Octets are taken as they come. Replies leave at once; what the socket does not take waits for the loop, in
order and bounded."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Port
from twisted.python.failure import Failure

from mailkeep.net.twisted_bridge import WriteGate
from mailkeep.net.twisted_writing import PromptServer, write_at_once
from mailkeep.observe import logs
from mailkeep.settings import LogSettings

MUCH = 8 * 1024 * 1024  # octets: more than the kernel's buffers hold


class Loop:
    """The part of a reactor that transports speak to; it calls nobody by itself."""

    def __init__(self) -> None:
        self.reads: set[object] = set()
        self.writes: set[object] = set()
        self.later: list[Any] = []

    def addReader(self, one: object) -> None:
        self.reads.add(one)

    def removeReader(self, one: object) -> None:
        self.reads.discard(one)

    def addWriter(self, one: object) -> None:
        self.writes.add(one)

    def removeWriter(self, one: object) -> None:
        self.writes.discard(one)

    def callLater(self, _seconds: float, call: Any, *arguments: Any) -> None:
        self.later.append((call, arguments))


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    with ours, theirs:
        yield ours, theirs


class Heard(Protocol):
    """Notes what it is given; `fault` is raised instead."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.octets: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended: asyncio.Queue[object] = asyncio.Queue()
        self.fault = fault

    def dataReceived(self, data: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.octets.put_nowait(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.put_nowait(reason.value)


def served(ours: socket.socket, heard: Protocol | None = None) -> tuple[Any, Loop, WriteGate]:
    loop, gate = Loop(), WriteGate()
    make: Any = PromptServer
    protocol = heard or Protocol()
    transport = make(ours, protocol, ("", 0), None, 1, loop)
    protocol.makeConnection(transport)
    gate.attach(transport)
    return transport, loop, gate


def taken(theirs: socket.socket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count:
        got += theirs.recv(count - len(got))
    return bytes(got)


async def test_a_reply_is_out_when_write_returns_and_the_loop_is_not_asked(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    transport, loop, _ = served(sockets[0])
    transport.write(b"+OK 1\r\n")
    transport.writeSequence([b"+OK", b" 2\r\n"])
    assert taken(sockets[1], 14) == b"+OK 1\r\n+OK 2\r\n"
    assert not loop.writes


async def test_what_the_socket_does_not_take_waits_for_the_loop_in_order(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    transport, loop, gate = served(sockets[0])
    sent = 0
    while not loop.writes:
        transport.write(b"%08d" % sent * 1024)
        sent += 1
        assert sent * 8 * 1024 < MUCH
    transport.write(b"last")  # behind what waits, though the socket may take it by now
    expected = b"".join(b"%08d" % number * 1024 for number in range(sent)) + b"last"
    got = bytearray()
    while len(got) < len(expected):
        got += sockets[1].recv(65536)
        if loop.writes:
            assert transport.doWrite() is None
    assert bytes(got) == expected
    assert not loop.writes
    assert gate.is_open


async def test_a_full_buffer_pauses_its_producer_until_the_loop_has_emptied_it(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    transport, loop, gate = served(sockets[0])
    transport.write(b"x" * MUCH)
    assert not gate.is_open
    assert loop.writes == {transport}
    left = MUCH
    while left:
        transport.doWrite()
        left -= len(sockets[1].recv(1 << 20))
    assert gate.is_open
    assert not loop.writes


async def test_closing_after_a_reply_that_is_out_still_closes(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    transport, loop, _ = served(sockets[0])
    transport.write(b"+OK Bye.\r\n")
    transport.unregisterProducer()
    transport.loseConnection()
    assert loop.writes == {transport}
    assert transport.doWrite() is not None  # which has the loop end the connection


async def test_a_connection_that_was_reset_is_ended_by_the_loop_and_not_under_the_writer(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    transport, loop, _ = served(sockets[0])
    sockets[1].close()
    transport.write(b"+OK\r\n")
    assert loop.writes == {transport}
    assert transport.connected
    assert isinstance(transport.doWrite(), Exception)


async def test_nothing_is_written_once_it_was_aborted(sockets: tuple[socket.socket, socket.socket]) -> None:
    transport, loop, _ = served(sockets[0])
    transport.abortConnection()
    transport.write(b"+OK\r\n")
    sockets[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        sockets[1].recv(10)
    ((end, reason),) = loop.later
    end(*reason)
    assert not loop.writes


async def test_octets_are_taken_as_they_come_and_not_while_reading_is_paused(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    heard = Heard()
    transport, loop, _ = served(sockets[0], heard)
    sockets[1].sendall(b"RETR 1\r\n")
    assert await soon(heard.octets) == b"RETR 1\r\n"
    transport.pauseProducing()
    sockets[1].sendall(b"RETR 2\r\n")
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard.octets.empty()
    transport.resumeProducing()
    assert await soon(heard.octets) == b"RETR 2\r\n"
    assert not loop.reads


async def test_the_end_is_handed_to_the_reactor_once(sockets: tuple[socket.socket, socket.socket]) -> None:
    transport, loop, _ = served(sockets[0])
    sockets[1].close()
    async with asyncio.timeout(5):
        while not loop.reads:
            await asyncio.sleep(0)
    assert loop.reads == {transport}
    assert isinstance(transport.doRead(), ConnectionDone)  # which has the reactor tell the protocol
    transport.connectionLost(Failure(ConnectionDone()))
    assert not loop.reads


async def test_a_fault_ends_its_connection_and_is_logged_without_what_was_sent(
    sockets: tuple[socket.socket, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(LogSettings(), stream=sys.stderr)
    try:
        fault = RuntimeError("not one of the peer's")
        heard = Heard(fault)
        served(sockets[0], heard)
        sockets[1].sendall(b"PASS secret\r\n")
        assert await soon(heard.ended) is fault
        assert sockets[1].recv(10) == b""
    finally:
        logs.close()
    told = "".join(capsys.readouterr())
    assert "octets could not be taken in" in told
    assert "not one of the peer's" in told
    assert "PASS secret" not in told


async def soon(queue: asyncio.Queue[Any]) -> Any:
    async with asyncio.timeout(5):
        return await queue.get()


def test_a_port_makes_such_transports() -> None:
    port: Any = Port.__new__(Port)
    write_at_once(port)
    assert port.transport is PromptServer
