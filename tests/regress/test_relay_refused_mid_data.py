"""A server that refuses a message while it still comes, and hangs up, has refused it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.unit.delivery.remote.test_relay import enqueue, relaying, reports, until_empty

from mailkeep.storage.interface import Store

LARGE = b"Subject: big\r\n\r\n" + b"a line of text\r\n" * 200_000


async def test_it_comes_back_with_what_the_server_said(store: Store, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 far.test\r\n")
        while line := await reader.readline():
            writer.write(b"354 go on\r\n" if line == b"DATA\r\n" else b"250 ok\r\n")
            if line == b"DATA\r\n":
                break
        await reader.readexactly(1000)
        writer.write(b"552 5.3.4 too much\r\n")
        writer.write_eof()
        while await reader.read(1 << 16):  # unread octets would reset the line
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, relaying(store, tmp_path, server.sockets[0].getsockname()[1]):
        await enqueue(store, "a@far.test", octets=LARGE)
        await until_empty(store)
    (report,) = await reports(store)
    assert b"Status: 5.3.4\r\n" in report
    assert b"552 5.3.4 too much" in report
