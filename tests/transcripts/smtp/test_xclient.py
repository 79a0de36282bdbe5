"""XCLIENT: whom a trusted filter speaks for is who counts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

TRUSTED = {"xclient_networks": ("127.0.0.0/8",)}
KEYWORD = "XCLIENT NAME ADDR PORT PROTO HELO"


@pytest.fixture
def limits() -> dict[str, Any]:
    return TRUSTED


async def test_the_client_is_whom_the_filter_names(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    assert KEYWORD in await mx.ehlo()
    await mx.ask(
        "XCLIENT NAME=mail.b.test ADDR=127.0.0.99 PORT=1234 PROTO=ESMTP", "220 mx.example.test ESMTP "
    )
    await mx.ask("MAIL FROM:<a@b.test>", "503 5.5.1 ")
    await mx.ehlo()
    await mx.transaction("a@b.test", "ann@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    (kept,) = await host.inbox("ann@example.test")
    assert b"from client.example ([127.0.0.99])" in kept


async def test_the_name_that_it_gave_may_be_told_too(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("XCLIENT ADDR=127.0.0.99 HELO=mail.b.test", "220 ")
    await mx.transaction("a@b.test", "ann@example.test")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    (kept,) = await host.inbox("ann@example.test")
    assert b"from mail.b.test ([127.0.0.99])" in kept


async def test_it_may_be_said_again_and_after_tls(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("XCLIENT ADDR=192.0.2.1", "220 ")
    assert KEYWORD in await mx.ehlo()
    await mx.start_tls(host.client_tls)
    assert KEYWORD in await mx.ehlo()
    await mx.ask("XCLIENT ADDR=IPV6:2001:db8::1", "220 ")


async def test_a_login_ends_with_it(host: SmtpHost) -> None:
    user = await host.add_user("demo@example.test")
    wire = await host.logged_in(user)
    await wire.ask("XCLIENT ADDR=127.0.0.99", "220 ")
    await wire.ehlo()
    await wire.ask("MAIL FROM:<demo@example.test>", "530 5.7.0 ")


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "ADDR",
        "ADDR=",
        "ADDR=nobody",
        "ADDR=192.0.2.1 ADDR=192.0.2.1",
        "LOGIN=demo@example.test",
        "PORT=65536 ADDR=192.0.2.1",
        "PORT=+31x",
        "HELO=two+09words",
        "HELO=a+0D+0AMAIL",
    ],
)
async def test_what_is_no_xclient(host: SmtpHost, mx: Wire, argument: str) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask(f"XCLIENT {argument}", "501 5.5.4 ")
    await mx.transaction("", "ann@example.test")


async def test_it_does_not_come_within_a_transaction(mx: Wire) -> None:
    await mx.expect("220 ")
    await mx.ehlo()
    await mx.ask("MAIL FROM:<>", "250 ")
    await mx.ask("XCLIENT ADDR=192.0.2.1", "503 5.5.1 ")


async def test_nobody_else_may(store: Any, tmp_path: Any, ca: Any) -> None:
    async with smtp_host(store, tmp_path / "data", ca) as host:
        wire = await host.connect()
        await wire.expect("220 ")
        assert not [keyword for keyword in await wire.ehlo() if "XCLIENT" in keyword]
        await wire.ask("XCLIENT ADDR=192.0.2.1", "502 5.5.1 ")
