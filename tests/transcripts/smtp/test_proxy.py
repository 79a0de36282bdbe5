"""Behind a balancer: who really connects is who counts, with TLS and without."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host
from tests.unit.net.test_proxy_protocol import v2

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_net import NetSettings
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.storage.interface import Store

V1 = b"PROXY TCP4 192.0.2.77 192.0.2.9 56324 25\r\n"
SMALL = b"From: a@b.test\r\n\r\nx\r\n.\r\n"


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, limits: dict[str, Any]
) -> AsyncIterator[SmtpHost]:
    net = NetSettings(trusted_proxies=("127.0.0.1/32",), proxy_timeout_seconds=0.5)
    reception = ReceptionSettings(trusted_networks=("192.0.2.0/24",))
    async with smtp_host(
        store, tmp_path / "data", ca, net=net, reception=reception, loopback_auth=True, **limits
    ) as running:
        yield running


async def tls_wire(host: SmtpHost, header: bytes) -> Wire:
    """A connection to the implicit TLS listener, with a header before the handshake."""
    raw = socket.create_connection(("127.0.0.1", host.places["submissions"]))
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_sendall(raw, header)
    reader, writer = await asyncio.open_connection(sock=raw, ssl=host.client_tls, server_hostname="localhost")
    wire = Wire(reader, writer)
    host._wires.append(wire)
    return wire


@pytest.mark.parametrize("header", [V1, v2("192.0.2.77", 56324)], ids=["v1", "v2"])
async def test_the_client_is_whom_the_header_names(host: SmtpHost, mx: Wire, header: bytes) -> None:
    await mx.send(header + b"EHLO client.example\r\n")
    await mx.expect("220 ")
    await mx.reply()
    await mx.transaction("a@b.test", "ann@example.test")
    await mx.send(SMALL)
    await mx.expect("250 2.0.0 ")
    (kept,) = await host.inbox("ann@example.test")
    assert b"from client.example ([192.0.2.77])" in kept


async def test_a_header_may_come_in_pieces(host: SmtpHost, mx: Wire) -> None:
    for at in range(0, len(V1), 7):
        await mx.send(V1[at : at + 7])
        await asyncio.sleep(0.001)
    await mx.expect("220 ")


async def test_who_came_from_elsewhere_is_not_on_this_machine(host: SmtpHost) -> None:
    """Secrets in the clear are taken from loopback alone here, and a balancer on it changes nothing of
    that."""
    wire = await host.connect("submission")
    await wire.send(V1)
    await wire.expect("220 ")
    assert not [keyword for keyword in await wire.ehlo() if keyword.startswith("AUTH")]
    local = await host.connect("submission")
    await local.send(b"PROXY UNKNOWN\r\n")
    await local.expect("220 ")
    assert [keyword for keyword in await local.ehlo() if keyword.startswith("AUTH")]


@pytest.mark.parametrize("header", [V1, v2("192.0.2.77", 56324)], ids=["v1", "v2"])
async def test_the_header_comes_before_tls(host: SmtpHost, header: bytes) -> None:
    user = await host.add_user("demo@example.test")
    wire = await tls_wire(host, header)
    await wire.expect("220 ")
    await wire.ehlo()
    await wire.ask(f"AUTH PLAIN {user.plain}", "235 2.7.0 ")
    async with asyncio.timeout(20):
        while not (records := await host.store.audit.list(1)):
            await asyncio.sleep(0.01)
    assert records[0].network == "192.0.2.77"


async def test_starttls_keeps_whom_the_header_names(host: SmtpHost, mx: Wire) -> None:
    await mx.send(V1)
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.start_tls(host.client_tls)
    await mx.ehlo()
    await mx.transaction("a@b.test", "ann@example.test")
    await mx.send(SMALL)
    await mx.expect("250 2.0.0 ")
    (kept,) = await host.inbox("ann@example.test")
    assert b"([192.0.2.77])" in kept


@pytest.mark.parametrize("listener", ["mx", "submissions"])
@pytest.mark.parametrize("octets", [b"EHLO client.example\r\n", b"", b"PROXY TCP4 192.0.2.77"])
async def test_a_proxy_that_sends_no_header_is_cut_off(host: SmtpHost, listener: str, octets: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", host.places[listener])
    writer.write(octets)
    async with asyncio.timeout(20):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
    assert host.server.services.limiter.count == 0


@pytest.mark.parametrize("limits", [{"max_connections_per_network": 1}])
async def test_connections_are_counted_by_their_real_networks(
    host: SmtpHost, mx: Wire, limits: dict[str, Any]
) -> None:
    await mx.send(V1)
    await mx.expect("220 ")
    second = await host.connect("mx")
    await second.send(V1)
    await second.expect("421 4.7.0 ")
    third = await host.connect("mx")
    await third.send(v2("192.0.2.78", 1))
    await third.expect("220 ")
