"""Mail that leaves by an account elsewhere: by its server and secrets, and not twice where Sent can tell."""

from __future__ import annotations

import asyncio
import base64
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.mail_server import OFFERS, Sink, sink
from tests.support.programs import private_file
from tests.unit.delivery.remote.conftest import Authority
from tests.unit.delivery.remote.test_relay import HERE, QUICK, names, reports, until_empty

from mailkeep.delivery.dispatch import Dispatch
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.remote.accounts import Account
from mailkeep.delivery.remote.credentials import plain_response
from mailkeep.delivery.remote.opening import Opener
from mailkeep.delivery.remote.outcome import NotSent, later, never
from mailkeep.delivery.remote.routing import Demand, Router, Server
from mailkeep.delivery.remote.runner import QueueRunner
from mailkeep.delivery.reporting import Reporter
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery
from mailkeep.model.queue import Envelope, Outbound, OutboundRecipient
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import AccountConfig
from mailkeep.upstream.sending import AccountsElsewhere, SmarthostCredentials

THEIRS = Address.parse("ann@elsewhere.test")
MESSAGE = b"Message-ID: <m1@elsewhere.test>\r\nSubject: hi\r\n\r\nhello\r\n"


@dataclass
class One:
    """An account whose secret is a number that is counted up when it is refused."""

    server: Server
    looks_into_sent: Callable[[str, Sequence[str]], frozenset[str]] = lambda id, attempts: frozenset()
    secret: int = 0
    looked: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def credentials(self) -> One:
        return self

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        return "PLAIN", plain_response("ann", str(self.secret).encode())

    async def renewed(self) -> bool:
        self.secret += 1
        return True

    async def arrived(self, message_id: str, attempts: Sequence[str]) -> frozenset[str]:
        self.looked.append((message_id, list(attempts)))
        return self.looks_into_sent(message_id, attempts)


@dataclass
class Accounts:
    """`one` is the account "theirs"; there is no other."""

    one: One

    async def of(self, route: str) -> Account:
        if route != "theirs":
            raise never("5.7.1", "the account is not there any more")
        return self.one


@asynccontextmanager
async def sending(store: Store, tmp_path: Path, one: One) -> AsyncIterator[QueueRunner]:
    settings = RelaySettings(**{**QUICK, "lease_seconds": 1.0})  # type: ignore[arg-type]
    reporter = Reporter(store, Dispatch(store, settings), tmp_path / "spool", HERE, relays=True)
    runner = QueueRunner(store, settings, names(), reporter, HERE, accounts=Accounts(one))
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.close(5)
        await asyncio.gather(task)


async def enqueue(store: Store, *recipients: str, route: str = "theirs", user: object = None) -> None:
    began = datetime.now(UTC)
    out = Outbound(
        "m1",
        Envelope(THEIRS),
        tuple(OutboundRecipient(Address.parse(one)) for one in recipients),
        began,
        began + timedelta(days=5),
        user_id=user,  # type: ignore[arg-type]
        route=route,
    )
    await store.committer.deliver(Delivery(await prepare_content(MESSAGE), (), began, out))


def at(far: Sink, **more: object) -> One:
    return One(Server("127.0.0.1", far.port, Demand.NONE, by_system=True), **more)  # type: ignore[arg-type]


def attempts(far: Sink) -> list[bytes]:
    """The field that names the attempt, of each message that came whole."""
    assert all(one.octets.endswith(MESSAGE) for one in far.ended)
    return [one.octets.removesuffix(MESSAGE).strip() for one in far.ended]


async def test_it_goes_by_the_account_also_to_those_here(store: Store, tmp_path: Path) -> None:
    await store.directory.add_domain("example.test")
    async with sink(offers=[*OFFERS, "AUTH PLAIN"]) as far, sending(store, tmp_path, at(far)):
        await enqueue(store, "bob@far.test", "cy@example.test")
        await until_empty(store)
    (received,) = far.received
    assert [line.split(" ")[1] for line in received.recipients] == [
        "TO:<bob@far.test>",
        "TO:<cy@example.test>",
    ]
    assert attempts(far) == [b"X-Mailkeep-Attempt: m1-1.1"]


async def test_a_refused_secret_is_renewed_once_and_the_login_tried_again(
    store: Store, tmp_path: Path
) -> None:
    good = base64.b64encode(plain_response("ann", b"1")).decode()

    def answer(line: str) -> str | None:
        return "535 5.7.8 no" if line.startswith("AUTH") and good not in line else None

    async with sink(offers=[*OFFERS, "AUTH PLAIN"], answer=answer) as far:
        one = at(far)
        async with sending(store, tmp_path, one):
            await enqueue(store, "bob@far.test")
            await until_empty(store)
    assert (one.secret, len(far.received)) == (1, 1)
    assert len([line for line in far.commands if line.startswith("AUTH")]) == 2


async def test_what_lies_in_sent_does_not_go_again(store: Store, tmp_path: Path) -> None:
    """The server takes the message, and the line breaks before it says so."""
    async with sink(offers=[*OFFERS, "AUTH PLAIN"], answer=lambda line: "" if line == "END" else None) as far:
        one = at(far, looks_into_sent=lambda id, attempts: frozenset(attempts))
        async with sending(store, tmp_path, one):
            await enqueue(store, "bob@far.test")
            await until_empty(store)
    assert len(far.ended) == 1
    assert one.looked == [("m1@elsewhere.test", ["m1-1.1"])]


async def test_what_does_not_lie_there_goes_again_under_the_same_id(store: Store, tmp_path: Path) -> None:
    drops = [""]
    async with sink(
        offers=[*OFFERS, "AUTH PLAIN"], answer=lambda line: drops.pop() if line == "END" and drops else None
    ) as far:
        one = at(far)
        async with sending(store, tmp_path, one):
            await enqueue(store, "bob@far.test")
            await until_empty(store)
    assert attempts(far) == [b"X-Mailkeep-Attempt: m1-1.1", b"X-Mailkeep-Attempt: m1-1.2"]


async def test_it_waits_while_sent_cannot_be_looked_into(store: Store, tmp_path: Path) -> None:
    """And what was in doubt is still so."""
    drops, looks = [""], [0]

    def look(id: str, attempts: Sequence[str]) -> frozenset[str]:
        looks[0] += 1
        if looks[0] < 3:
            raise later("4.3.0", "it is away")
        return frozenset(attempts)

    async with sink(
        offers=[*OFFERS, "AUTH PLAIN"], answer=lambda line: drops.pop() if line == "END" and drops else None
    ) as far:
        one = at(far, looks_into_sent=look)
        async with sending(store, tmp_path, one):
            await enqueue(store, "bob@far.test")
            await until_empty(store)
    assert len(far.ended) == 1
    assert [asked for _, asked in one.looked] == [["m1-1.1"]] * 3


async def test_a_recipient_that_was_not_in_that_attempt_gets_one_of_its_own(
    store: Store, tmp_path: Path
) -> None:
    """One is taken and in doubt, the other one told to come back: Sent speaks of the first alone."""
    drops, full = [""], ["452 4.2.2 full"]

    def answer(line: str) -> str | None:
        if line == "END" and drops:
            return drops.pop()
        return full.pop() if line.startswith("RCPT TO:<cy@") and full else None

    async with sink(offers=[*OFFERS, "AUTH PLAIN"], answer=answer) as far:
        one = at(far, looks_into_sent=lambda id, attempts: frozenset({"m1-1.1"}))
        async with sending(store, tmp_path, one):
            await enqueue(store, "bob@far.test", "cy@far.test")
            await until_empty(store)
    assert attempts(far) == [b"X-Mailkeep-Attempt: m1-1.1", b"X-Mailkeep-Attempt: m1-2.2"]
    assert far.received[0].recipients == ["RCPT TO:<cy@far.test>"]


async def test_what_somebody_else_has_claimed_meanwhile_does_not_go_out(store: Store, tmp_path: Path) -> None:
    async with sink(offers=[*OFFERS, "AUTH PLAIN"]) as far:
        one = at(far)
        async with sending(store, tmp_path, one) as runner:
            queue, lost = runner._means.queue, [1]
            real = queue.sending

            async def sending_late(claimed: Sequence[object], attempt: str) -> int:
                return lost.pop() - 1 if lost else await real(claimed, attempt)  # type: ignore[arg-type]

            queue.sending = sending_late  # type: ignore[assignment, method-assign]
            try:
                await enqueue(store, "bob@far.test")
                await until_empty(store)
            finally:
                queue.sending = real  # type: ignore[method-assign]
    assert attempts(far) == [b"X-Mailkeep-Attempt: m1-1.2"]


async def test_an_account_that_is_gone_is_reported_to_its_user_here(store: Store, tmp_path: Path) -> None:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("alice@example.test"))
    async with sink() as far, sending(store, tmp_path, at(far)):
        await enqueue(store, "bob@far.test", route="another", user=user.id)
        await until_empty(store)
    (report,) = await reports(store)
    assert b"the account is not there any more" in report


# --- the smarthost's tokens -----------------------------------------------------------------------


async def test_a_smarthost_s_token_is_refreshed_once_when_it_is_refused(
    trusted: Authority, tmp_path: Path
) -> None:
    """The provider is a program that counts how often it was asked; the first token has ended."""
    asked = tmp_path / "asked"
    program = "import sys; f = open(sys.argv[1], 'a'); f.write('x'); print(f't{f.tell()}')"
    one, two = (base64.b64encode(f"user=us\1auth=Bearer t{n}\1\1".encode()).decode() for n in (1, 2))

    def answer(line: str) -> str | None:
        return "535 5.7.8 it has ended" if line.startswith("AUTH") and two not in line else None

    async with sink(
        offers=[*OFFERS, "AUTH PLAIN XOAUTH2"], tls=trusted.server("localhost"), answer=answer
    ) as far:
        settings = RelaySettings(
            route="smarthost",
            smarthost=f"localhost:{far.port}",
            smarthost_user="us",
            smarthost_provider="command",
            smarthost_options=(f"command={shlex.join([sys.executable, '-c', program, str(asked)])}",),
            ca_file=trusted.ca_file,
            loopback=True,
        )
        credentials = SmarthostCredentials(settings)
        router = Router(settings, names(), HERE)
        opener = Opener(settings, router, HERE, credentials)
        for _ in range(2):
            session = await opener.open(await router.route("far.test"))
            await session.quit()
        await credentials.close()
    shown = [line.split(" ")[2] for line in far.commands if line.startswith("AUTH")]
    assert shown == [one, two, two]
    assert asked.read_text() == "xx"


async def test_a_dead_refresh_token_is_noted_with_the_account(store: Store, tmp_path: Path) -> None:
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("alice@example.test"))
    secrets = private_file(tmp_path / "their.env", "T_SMTP_OAUTH_TOKEN=old\nT_SMTP_OAUTH_EXPIRES_AT=1\n")
    config = AccountConfig(
        "ann@elsewhere.test",
        smtp="smtp.elsewhere.test:587",
        provider="google",
        prefix="T",
        env_file=str(secrets),
    )
    record = await store.upstreams.add(user.id, "work", config.to_json())
    accounts = AccountsElsewhere(store)
    account = await accounts.of(str(record.id))
    with pytest.raises(NotSent, match="no refresh token"):
        await account.credentials.response(frozenset({"XOAUTH2"}), "smtp.elsewhere.test")
    await accounts.close()
    (noted,) = await store.upstreams.list()
    assert noted.state == "needs_sign_in"
