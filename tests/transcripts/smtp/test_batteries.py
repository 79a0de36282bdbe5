"""Batteries: commands injected before TLS, ends of messages that are none, and every old way to an open
relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.model.directory import DomainPolicy
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import QueueFilter, Store


@pytest.fixture
def limits() -> dict[str, Any]:
    return {"max_errors": 10_000}


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, limits: dict[str, Any]
) -> AsyncIterator[SmtpHost]:
    """One that relays for whoever may."""
    relay = RelaySettings(route="direct")
    async with smtp_host(store, tmp_path / "data", ca, relay=relay, **limits) as running:
        yield running


# --- STARTTLS ---------------------------------------------------------------------------------------

INJECTED = [
    b"NOOP\r\n",
    b"EHLO evil.test\r\n",
    b"RSET\r\nNOOP\r\nNOOP\r\n",
    b"EHLO evil.test\r\nMAIL FROM:<evil@evil.test>\r\n",
    b"EHLO evil.test\r\nMAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\nevil\r\n.\r\n",
    b"EHLO evil.test\r\nMAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@example.test>\r\nBDAT 4 LAST\r\nevil",
    b"EHLO evil.test\r\nAUTH PLAIN AGEAYg==\r\n",
    b"STARTTLS\r\n",
    b"QUIT\r\n",
    b"\r\n",
    b"\n",
    b"EHLO ev",  # what would become the beginning of the first command under TLS
    b"MAIL FROM:<evil@evil.test>\r",
    b"X" * 4000,
    b"NOOP\r\n" * 500,
]


@pytest.mark.parametrize("injected", INJECTED, ids=range(len(INJECTED)))
@pytest.mark.parametrize("listener", ["mx", "submission"])
async def test_nothing_of_before_counts_under_tls(host: SmtpHost, listener: str, injected: bytes) -> None:
    """RFC 3207 section 6: neither obeyed nor answered, in the clear or within."""
    wire = await host.connect(listener)
    await wire.expect("220 ")
    await wire.ehlo()
    await wire.send(b"STARTTLS\r\n" + injected)
    await wire.expect("220 2.0.0 ")
    await wire.handshake(host.client_tls)
    await wire.ask("NOOP", "250 2.0.0 Ok")
    await wire.ask("MAIL FROM:<a@b.test>", "503 5.5.1 Send EHLO or HELO first.")
    assert "STARTTLS" not in await wire.ehlo()
    await wire.ask("RCPT TO:<a@example.test>", "503 " if listener == "mx" else "530 ")
    assert await host.account_of("victim@example.test") is None


# --- the end of a message ---------------------------------------------------------------------------

PIECES = (b"\r", b"\n", b".", b"\r\n", b"\r\n.")
COMMAND = b"MAIL FROM:<evil@evil.test>\r\n"


async def test_no_combination_of_cr_lf_and_dots_ends_a_message_early(host: SmtpHost, mx: Wire) -> None:
    """Each is sent amid a message, before what looks like a command. Either it is the one true end, and the
    command is one, or all of it is content with one answer after the true end."""
    await mx.expect("220 ")
    await mx.ehlo()
    for length in (2, 3):
        for pieces in product(PIECES, repeat=length):
            between = b"".join(pieces)
            await mx.transaction("a@b.test", "list@example.test")
            content = b"A: b\r\n\r\nx" + between + COMMAND + b"\r\n.\r\n"
            await mx.send(content + b"NOOP\r\n")
            end = content.index(b"\r\n.\r\n") + 5
            rest = content[end:]
            bare = content[:end].replace(b"\r\n", b"")
            await mx.expect("550 5.6.0 " if b"\r" in bare or b"\n" in bare else "250 2.0.0 ")
            if not rest:
                await mx.expect("250 2.0.0 Ok")
                continue
            answers = [(await mx.reply())[-1]]
            while not answers[-1].endswith(" Ok"):
                answers.append((await mx.reply())[-1])
            assert answers[0].startswith(("250 2.1.0 ", "5")), (between, answers)
            await mx.ask("RSET", "250 ")


# --- an open relay ----------------------------------------------------------------------------------


async def queued(host: SmtpHost) -> int:
    """Recipients that wait to be relayed."""
    return len(await host.store.queue.entries(QueueFilter(), 10))


ELSEWHERE = [
    "<x@elsewhere.test>",
    "<@example.test:x@elsewhere.test>",
    "<@elsewhere.test,@example.test:x@elsewhere.test>",
    "<x@example.test.elsewhere.test>",
    "<x@elsewhere.test.>",
    "<x@[127.0.0.1]>",
    "<x@[IPv6:::1]>",
    '<"x@example.test"@elsewhere.test>',
    "<x%example.test@elsewhere.test>",
    "<example.test!x@elsewhere.test>",
]
OURS_OR_NOBODYS = [
    "<x%elsewhere.test@example.test>",
    "<elsewhere.test!x@example.test>",
    "<@elsewhere.test:x%elsewhere.test@example.test>",
    '<"x@elsewhere.test"@example.test>',
    '<"x%elsewhere.test"@example.test>',
    '<"elsewhere.test!x"@example.test>',
    "<x+x=elsewhere.test@example.test>",
]
NO_PATHS = [
    "<x@elsewhere.test@example.test>",
    "<x@elsewhere.test,y@example.test>",
    "x@elsewhere.test",
    "<x@elsewhere.test",
    "<x@example.test >x@elsewhere.test>",
    "<>",
    "<x>",
]


SENDERS = ("<>", "<a@b.test>", "<postmaster@example.test>", "<x@elsewhere.test>")
HELOS = ("client.test", "example.test", "localhost", "[127.0.0.1]", "mx.example.test")


async def test_strangers_send_to_nobody_elsewhere(host: SmtpHost, mx: Wire) -> None:
    await mx.expect("220 ")
    for helo, sender in product(HELOS, SENDERS):
        await mx.ask(f"EHLO {helo}", "250 ")
        await mx.ask(f"MAIL FROM:{sender}", "250 ")
        for path in ELSEWHERE:
            await mx.ask(f"RCPT TO:{path}", "550 5.7.1 ")
        await mx.ask("DATA", "503 ")
    assert await queued(host) == 0


async def test_what_names_us_stays_here_or_is_nobodys(host: SmtpHost, mx: Wire) -> None:
    await host.store.directory.add_domain("strict.test", DomainPolicy.REJECT_UNKNOWN)
    await mx.ask("EHLO client.test", "220 ", "250 ")
    await mx.ask("MAIL FROM:<a@b.test>", "250 ")
    for path in OURS_OR_NOBODYS:
        await mx.ask(f"RCPT TO:{path}", "250 2.1.5 ")
        await mx.ask(f"RCPT TO:{path.replace('@example.test', '@strict.test')}", "550 5.1.1 ")
    for path in NO_PATHS:
        await mx.ask(f"RCPT TO:{path}", "5")
    await mx.ask("DATA", "354 ")
    await mx.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    assert await queued(host) == 0


async def test_the_submission_service_relays_for_nobody_unknown(host: SmtpHost) -> None:
    wire = await host.connect("submissions")
    await wire.ask("EHLO client.test", "220 ", "250 ")
    for command in (
        "MAIL FROM:<demo@example.test>",
        "MAIL FROM:<> AUTH=<>",
        "RCPT TO:<x@elsewhere.test>",
        "DATA",
    ):
        await wire.ask(command, "530 5.7.0 ")
    user = await host.add_user("demo@example.test")
    await wire.ask(f"AUTH PLAIN {user.plain}", "235 ")
    await wire.ask("MAIL FROM:<demo@example.test> AUTH=root@example.test", "250 ")
    await wire.ask("RCPT TO:<x@elsewhere.test>", "250 ")
