"""Networks that come too often, or are refused again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.storage.interface import Store

UNCHECKED = {"trusted_networks": (), "check_senders": False, "refuse_impossible_senders": False}


@pytest.fixture
def reception() -> dict[str, Any]:
    """ReceptionSettings; tests override some."""
    return {}


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, reception: dict[str, Any]
) -> AsyncIterator[SmtpHost]:
    settings = ReceptionSettings(**{**UNCHECKED, **reception})
    async with smtp_host(store, tmp_path / "data", ca, reception=settings) as running:
        yield running


@pytest.mark.parametrize("reception", [{"connections_per_minute": 2}])
async def test_connections_in_a_minute(host: SmtpHost, reception: dict[str, Any]) -> None:
    for _ in range(2):
        wire = await host.connect()
        await wire.ask("QUIT", "220 ", "221 ")
    late = await host.connect()
    await late.expect("421 4.7.0 Too many connections from your network in a minute")
    await late.closed()


@pytest.mark.parametrize("reception", [{"recipients_per_minute": 2}])
async def test_recipients_in_a_minute(host: SmtpHost, mx: Wire, reception: dict[str, Any]) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("RCPT TO:<a@example.test>", "250 ")
    await mx.ask("RCPT TO:<b@example.test>", "250 ")
    await mx.ask("RCPT TO:<c@example.test>", "450 4.7.1 ")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 ")


@pytest.mark.parametrize("reception", [{"tarpit_after": 2, "tarpit_seconds": 0.05}])
async def test_refusals_past_the_limit_come_late(host: SmtpHost, mx: Wire, reception: dict[str, Any]) -> None:
    conduct = host.server.services.conduct
    await mx.expect("220 ")
    await mx.ehlo()
    for _ in range(3):
        await mx.ask("RCPT TO:<x@elsewhere.test>", "503 ")
    assert conduct.delay("127.0.0.1") == pytest.approx(0.05, abs=0.01)
    other = await host.connect()  # of the same network
    await other.ask("XYZZY", "220 ", "500 ")
    await mx.transaction("", "a@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 ")
    assert conduct.delay("127.0.0.1") == 0


@pytest.mark.parametrize(
    "reception",
    [{"trusted_networks": ("127.0.0.0/8",), "connections_per_minute": 1, "recipients_per_minute": 1}],
)
async def test_trusted_networks_are_not_counted(host: SmtpHost, reception: dict[str, Any]) -> None:
    for _ in range(3):
        wire = await host.connect()
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.transaction("", "a@example.test", "b@example.test")
        await wire.ask("A: b\r\n\r\nhi\r\n.", "250 ")


@pytest.mark.parametrize("seconds", [-1, 61])
def test_a_tarpit_that_nobody_would_wait_in(seconds: float) -> None:
    with pytest.raises(ValueError, match="tarpit_seconds"):
        ReceptionSettings(tarpit_seconds=seconds)
