"""Where clear text ends and TLS begins, to the octet.

Guards two things at once: octets that arrive in clear text together with STARTTLS are forgotten (RFC 3207
section 4.2), and a command that arrives in the same segment as the end of the handshake is not.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.support.smtp_host import SmtpHost, smtp_host

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings


@pytest.fixture
async def host(sqlite_settings: StoreSettings, tmp_path: Path) -> AsyncIterator[SmtpHost]:
    async with (
        open_test_store(sqlite_settings) as store,
        smtp_host(store, tmp_path / "data", ensure_ca(tmp_path / "ca")) as running,
    ):
        yield running


class HandMadeTls:
    """A TLS client whose segments the test decides on."""

    def __init__(self, host: SmtpHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = host.client_tls.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.reader, self.writer = reader, writer

    async def shake_hands_and_say(self, octets: bytes) -> None:
        """The last flight of the handshake and `octets` leave in one write."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.writer.write(self.outgoing.read())
                self.incoming.write(await self.reader.read(65536))
        self.tls.write(octets)
        self.writer.write(self.outgoing.read())

    async def read_until(self, ending: bytes) -> bytes:
        heard = b""
        async with asyncio.timeout(20):
            while not heard.endswith(ending):
                try:
                    heard += self.tls.read(65536)
                except ssl.SSLWantReadError:
                    self.incoming.write(await self.reader.read(65536))
        return heard


async def test_a_command_in_the_segment_of_the_finished_message(host: SmtpHost) -> None:
    wire = await host.connect("mx")
    await wire.expect("220 ")
    await wire.ask("STARTTLS", "220 2.0.0 ")
    tls = HandMadeTls(host, wire.reader, wire.writer)
    await tls.shake_hands_and_say(b"NOOP\r\n")
    assert await tls.read_until(b"\r\n") == b"250 2.0.0 Ok\r\n"
    wire.writer.transport.abort()


async def test_the_same_where_tls_comes_first(host: SmtpHost) -> None:
    """The hello may be there before the server has looked: it must not be taken for a command."""
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", host.places["submissions"])
        tls = HandMadeTls(host, reader, writer)
        await tls.shake_hands_and_say(b"NOOP\r\n")
        heard = await tls.read_until(b"Ok\r\n")
        assert heard == b"220 mx.example.test ESMTP Mailkeep\r\n250 2.0.0 Ok\r\n"
        writer.transport.abort()


async def test_silent_connections_are_counted_before_they_speak(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    """On the port where TLS comes first a client that never says a word holds one of its places too."""
    async with (
        open_test_store(sqlite_settings) as store,
        smtp_host(
            store, tmp_path / "data", ensure_ca(tmp_path / "ca"), max_connections_per_network=2
        ) as host,
    ):
        silent = [await asyncio.open_connection("127.0.0.1", host.places["submissions"]) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", host.places["submissions"])
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.transport.abort()
        for _, other in silent:
            other.transport.abort()
        async with asyncio.timeout(20):
            while host.server.services.limiter.count:
                await asyncio.sleep(0.01)
        wire = await host.connect("submissions")
        await wire.expect("220 ")
        await wire.close()
