"""Waiting for news by IDLE at a server that talks when it likes, breaks off, or refuses (RFC 2177)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep.upstream.sync import idle

SECONDS = 60.0
CAPABILITY = b"* CAPABILITY IMAP4rev1 IDLE\r\n%b OK done\r\n"
SELECTED = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] so\r\n* OK [UIDNEXT 2] so\r\n%b OK [READ-ONLY] done\r\n"

Idling = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _serve(idling: Idling, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server with one message. What it does at IDLE is `idling`'s, given the tag."""
    writer.write(b"* OK there\r\n")
    while line := await reader.readline():
        tag, name = line.split()[:2]
        if name == b"IDLE":
            await idling(tag, reader, writer)
        elif name == b"CAPABILITY":
            writer.write(CAPABILITY % tag)
        elif name == b"EXAMINE":
            writer.write(SELECTED % tag)
        else:
            writer.write(b"%b OK done\r\n" % tag)
    writer.close()


@asynccontextmanager
async def connected(idling: Idling) -> AsyncIterator[ImapConnection]:
    """Logged in at such a server, with its one folder selected."""
    server = await asyncio.start_server(lambda *streams: _serve(idling, *streams), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = Transport(Server("127.0.0.1", port, "none"), "ann", AuthConfig(password="p"))
    connection = ImapConnection(transport)
    try:
        async with asyncio.timeout(SECONDS):
            await connection.open()
            assert await idle.has_idle(connection)
            assert await idle.look(connection, "INBOX") == [7, 1, 2, None]
            yield connection
    finally:
        await connection.close()
        server.close()


async def _done(tag: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert await reader.readline() == b"DONE\r\n"
    writer.write(b"%b OK done\r\n" % tag)


async def _works_on(connection: ImapConnection) -> bool:
    """Nothing is left over that would be taken for the next command's answer."""
    return await idle.look(connection, "INBOX") == [7, 1, 2, None]


async def test_news_while_it_waits() -> None:
    async def idling(tag: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n")
        await asyncio.sleep(0.2)
        writer.write(b"* 2 EXISTS\r\n")
        await _done(tag, reader, writer)

    async with connected(idling) as connection:
        assert await idle.wait_for_news(connection, SECONDS)
        assert await _works_on(connection)


@pytest.mark.parametrize("said", [b"+ idling\r\n* 2 EXISTS\r\n", b"* 2 EXISTS\r\n+ idling\r\n"])
async def test_news_with_the_answer_to_idle_or_before_it(said: bytes) -> None:
    async def idling(tag: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await asyncio.sleep(0.2)  # the answer to DONE comes late: the socket waits for it again
        await _done(tag, reader, writer)

    async with connected(idling) as connection:
        assert await idle.wait_for_news(connection, SECONDS)
        assert await _works_on(connection)


async def test_none_in_time() -> None:
    async def idling(tag: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n")
        await _done(tag, reader, writer)

    async with connected(idling) as connection:
        assert not await idle.wait_for_news(connection, 0.1)
        assert await _works_on(connection)


async def test_news_whose_line_comes_in_two_pieces() -> None:
    async def idling(tag: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n* 2 EX")
        await asyncio.sleep(0.2)
        writer.write(b"ISTS\r\n")
        await _done(tag, reader, writer)

    async with connected(idling) as connection:
        assert await idle.wait_for_news(connection, SECONDS)
        assert await _works_on(connection)


async def test_the_end_of_the_connection_is_no_silence() -> None:
    async def idling(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n")
        await writer.drain()
        writer.close()

    async with connected(idling) as connection:
        with pytest.raises(UpstreamError) as caught:
            await idle.wait_for_news(connection, SECONDS)
    assert caught.value.code is UpstreamCode.UNAVAILABLE


async def test_news_before_the_connection_ended_count() -> None:
    async def idling(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n* 2 EXISTS\r\n")
        await writer.drain()
        writer.close()

    async with connected(idling) as connection:
        assert await idle.wait_for_news(connection, SECONDS)


async def test_a_server_that_refuses() -> None:
    async def idling(tag: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* 2 EXISTS\r\n%b NO not today\r\n" % tag)

    async with connected(idling) as connection:
        with pytest.raises(UpstreamError) as caught:
            await idle.wait_for_news(connection, SECONDS)
        assert caught.value.code is UpstreamCode.REFUSED
