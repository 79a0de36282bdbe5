"""Limits of time, number and patience; each with its own words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.smtp_host import ANY_PORT, SmtpHost, Wire, smtp_host


async def test_too_many_recipients(store: Any, tmp_path: Any, ca: Any) -> None:
    """RFC 5321 section 4.5.3.1.10: the message still goes to those that were taken."""
    async with smtp_host(store, tmp_path / "data", ca, max_recipients=3) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.ask("MAIL FROM:<>", "250 ")
        for number in range(3):
            await wire.ask(f"RCPT TO:<r{number}@example.test>", "250 ")
        await wire.ask("RCPT TO:<r3@example.test>", "452 4.5.3 ")
        await wire.ask("DATA", "354 ")
        await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
        assert len(await host.store.directory.addresses()) == 3
        await wire.close()


async def test_too_many_errors(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, max_errors=3) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        for _ in range(3):
            await wire.ask("XYZZY", "500 5.5.1 ")
        await wire.ask("XYZZY", "500 5.5.1 ", "421 4.7.0 mx.example.test Too many errors.")
        await wire.closed()


@pytest.mark.parametrize("method", ["POST", "get", "PUT", "OPTIONS"])
@pytest.mark.parametrize("listener", ["mx", "lmtp"])
async def test_a_browser_says_no_commands(
    store: Any, tmp_path: Any, ca: Any, listener: str, method: str
) -> None:
    """What a page has in the body of its request is not obeyed."""
    async with smtp_host(store, tmp_path / "data", ca, lmtp=ANY_PORT) as host:
        wire = await host.connect(listener)
        await wire.expect("220 ")
        greeting = "LHLO" if listener == "lmtp" else "EHLO"
        await wire.send(
            f"{method} / HTTP/1.1\r\nHost: mx\r\n\r\n{greeting} c\r\n"
            "MAIL FROM:<>\r\nRCPT TO:<a@example.test>\r\nDATA\r\nS: x\r\n\r\n.\r\n".encode()
        )
        await wire.expect("421 4.7.0 mx.example.test This is no web server, closing the connection.")
        await wire.closed()
        assert await host.inbox("a@example.test") == []


async def test_an_accepted_message_forgives_errors(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, max_errors=3) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        for _ in range(4):
            await wire.ask("XYZZY", "500 ")
            await wire.ask("XYZZY", "500 ")
            await wire.transaction("", "a@example.test")
            await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
        await wire.close()


async def test_too_many_connections(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, max_connections_per_network=2) as host:
        wires = [await host.connect() for _ in range(2)]
        for wire in wires:
            await wire.expect("220 ")
        third = await host.connect()
        await third.expect("421 4.7.0 Too many connections from your network")
        await third.closed()
        await wires[0].ask("QUIT", "221 2.0.0 ")
        await wires[0].closed()
        fourth = await host.connect()
        await fourth.expect("220 ")
        await fourth.close()
        await wires[1].close()


async def test_an_idle_client_is_told(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, command_timeout_seconds=0.2) as host:
        wire = await host.connect()
        await wire.expect("220 ", "421 4.4.2 mx.example.test Timeout")
        await wire.closed()


async def test_a_client_that_drips_a_command_is_told(store: Any, tmp_path: Any, ca: Any) -> None:
    """The deadline is the line's, not each octet's."""
    async with smtp_host(store, tmp_path / "data", ca, command_timeout_seconds=0.5) as host:
        wire = await host.connect()
        await wire.expect("220 ")

        async def drip() -> None:
            while True:
                await wire.send(b"N")
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        await wire.expect("421 4.4.2 ")
        dripping.cancel()
        await wire.close()


@pytest.mark.parametrize("drips", [False, True])
async def test_a_client_that_stalls_within_data_is_told(
    store: Any, tmp_path: Any, ca: Any, drips: bool
) -> None:
    async with smtp_host(store, tmp_path / "data", ca, data_timeout_seconds=0.5) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.transaction("", "a@example.test")
        await wire.send(b"A: b\r\n\r\nhi\r\n")

        async def drip() -> None:
            while drips:
                await wire.send(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        await wire.expect("421 4.4.2 ")
        dripping.cancel()
        await wire.close()
        assert await host.account_of("a@example.test") is None


async def test_a_client_that_does_not_read_is_dropped(store: Any, tmp_path: Any, ca: Any) -> None:
    """Replies wait in bounded memory: reading stops while they cannot be written."""
    async with smtp_host(store, tmp_path / "data", ca, command_timeout_seconds=1.0) as host:
        wire = await host.connect()
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the client's own side

        async def ask_without_end() -> None:
            while True:
                wire.writer.write(b"HELP\r\n" * 10_000)
                await wire.writer.drain()

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_without_end(), 20)


async def test_a_client_that_goes_within_data_leaves_nothing(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.transaction("", "a@example.test")
    await mx.send(b"A: b\r\n\r\n" + (b"x" * 998 + b"\r\n") * 3000)
    mx.writer.transport.abort()
    async with asyncio.timeout(20):
        while host.server.services.open_sessions:
            await asyncio.sleep(0.01)
    assert await host.account_of("a@example.test") is None
    assert not list(host.server.services.spool_directory.iterdir())


async def test_a_message_without_an_end_is_cut_off(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca, max_message_size=100_000) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.transaction("", "a@example.test")

        async def flood() -> None:
            while True:
                await wire.send(b"x" * 98 + b"\r\n")

        flooding = asyncio.ensure_future(flood())
        await wire.expect("552 5.3.4 ")
        await asyncio.wait({flooding}, timeout=20)
        assert isinstance(flooding.exception(), ConnectionError)
        wire.writer.transport.abort()


async def test_a_flood_of_commands_does_not_stop_the_others(host: SmtpHost, mx: Wire) -> None:
    """Replies leave in bounded batches, and every batch lets the other connections have their turn."""
    await mx.expect("220 ")
    other = await host.connect()
    await other.expect("220 ")
    await mx.send(b"NOOP\r\n" * 5_000)
    await other.ask("NOOP", "250 2.0.0 Ok")
    await mx.expect(*["250 2.0.0 Ok"] * 5_000)
    await other.close()
