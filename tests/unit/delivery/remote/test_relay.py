"""Mail on its way out: a queue runner on a real store, and servers that answer as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import open_test_store
from tests.support.mail_server import OFFERS, Names, Sink, sink
from tests.unit.delivery.remote.conftest import Authority

from mailkeep.delivery.dispatch import Dispatch
from mailkeep.delivery.forwarding import Forwarder
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.remote.runner import QueueRunner
from mailkeep.delivery.reporting import Reporter
from mailkeep.delivery.signing import Signer
from mailkeep.model.address import Address
from mailkeep.model.directory import DomainPolicy
from mailkeep.model.message import Delivery
from mailkeep.model.queue import DsnRequest, Envelope, Outbound, OutboundRecipient, QueueEntry
from mailkeep.observe import metrics
from mailkeep.settings import StoreSettings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import QueueFilter, Store

HERE = "mx.example.test"
SENDER = Address.parse("alice@example.test")
MESSAGE = b"Return-Path: <alice@example.test>\r\nSubject: hi\r\n\r\n.dot\r\nhello\r\n"
TRAVELS = b"Subject: hi\r\n\r\n.dot\r\nhello\r\n"
QUICK = {"retry_seconds": (0.2,), "loopback": True, "command_timeout_seconds": 5.0}
Answer = Callable[[str], str | None]


def names(**more: Any) -> Names:
    """Everybody's mail goes to this machine."""
    zone = {"far.test": [(10, "mx.far.test")], "near.test": [(10, "mx.near.test")]}
    addresses = {"mx.far.test": ["127.0.0.1"], "mx.near.test": ["127.0.0.1"]}
    return Names(mx_of=zone, a_of=addresses, **more)


@asynccontextmanager
async def relaying(
    store: Store,
    tmp_path: Path,
    port: int,
    zone: Names | None = None,
    signer: Signer | None = None,
    **settings: Any,
) -> AsyncIterator[QueueRunner]:
    """A running queue runner that finds every server on that port."""
    if await store.directory.domain("example.test") is None:
        await store.directory.add_domain("example.test")
    made = RelaySettings(**{"port": port, **QUICK, **settings})
    dispatch = Dispatch(store, made)
    reporter = Reporter(store, dispatch, tmp_path / "spool", HERE, relays=True)
    runner = QueueRunner(store, made, zone or names(), reporter, HERE, signer=signer)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.close(5)
        await asyncio.gather(task)


async def enqueue(
    store: Store,
    *recipients: str,
    id: str = "m1",
    octets: bytes = MESSAGE,
    envelope: Envelope = Envelope(SENDER),  # noqa: B008  frozen
    request: DsnRequest = DsnRequest(),  # noqa: B008  frozen
    user_id: UUID | None = None,
    age: timedelta = timedelta(0),
    lives: timedelta = timedelta(days=5),
) -> None:
    message = await prepare_content(octets)
    began = datetime.now(UTC) - age
    out = Outbound(
        id=id,
        envelope=envelope,
        recipients=tuple(OutboundRecipient(Address.parse(one), request) for one in recipients),
        not_before=began,
        expires_at=began + lives,
        user_id=user_id,
        skip=len(b"Return-Path: <alice@example.test>\r\n") if octets.startswith(b"Return-Path") else 0,
    )
    await store.committer.deliver(Delivery(message, (), began, out))


async def until_empty(store: Store, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while await store.queue.entries():
            await asyncio.sleep(0.01)


async def until(store: Store, holds: Callable[[Sequence[QueueEntry]], bool]) -> Sequence[QueueEntry]:
    async with asyncio.timeout(30):
        while not holds(entries := await store.queue.entries()):
            await asyncio.sleep(0.01)
    return entries


async def reports(store: Store, address: str = "alice@example.test") -> list[bytes]:
    """What lies in the sender's INBOX."""
    records = await store.directory.addresses()
    account = next((record.account_id for record in records if record.address == address), None)
    if account is None:
        return []
    mailbox = await store.mailboxes.get(account, "INBOX")
    snapshot = await store.messages.snapshot(mailbox.id)
    await store.messages.refresh(snapshot)
    return [octets async for _, octets in store.messages.bodies(list(snapshot.message_ids))]


# --- sent -----------------------------------------------------------------------------------------

WAYS = {
    "one flight": OFFERS,
    "pipelined DATA": [offer for offer in OFFERS if offer != "CHUNKING"],
    "chunks without pipelining": [offer for offer in OFFERS if offer != "PIPELINING"],
    "nothing but the basics": ["8BITMIME"],
}


async def test_the_sender_of_forwarded_mail_hears_of_failure(store: Store, tmp_path: Path) -> None:
    """The reverse-path that we wrote leads nowhere but back to them."""
    forwarder = Forwarder(store, RelaySettings())
    rewritten = await forwarder.reverse_path(SENDER, Address.parse("team@example.test"))
    assert rewritten != SENDER
    async with (
        sink(answer=lambda line: "550 5.1.1 no" if line.startswith("RCPT") else None) as far,
        relaying(store, tmp_path, far.port),
    ):
        await enqueue(store, "a@far.test", envelope=Envelope(rewritten))
        await until_empty(store)
    (report,) = await reports(store)
    assert b"To: <alice@example.test>\r\n" in report
    assert b"Status: 5.1.1\r\n" in report


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
async def test_it_arrives_as_it_was_submitted(store: Store, tmp_path: Path, offers: Sequence[str]) -> None:
    async with sink(offers=offers) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", "b@far.test")
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.octets == TRAVELS
    assert [line.split(" ")[1] for line in received.recipients] == ["TO:<a@far.test>", "TO:<b@far.test>"]
    assert received.mail.startswith("MAIL FROM:<alice@example.test>")
    assert await reports(store) == []


@pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS)
async def test_large_ones_arrive_too(store: Store, tmp_path: Path, offers: Sequence[str]) -> None:
    octets = b"Subject: big\r\n\r\n" + b".line of text\r\n..\r\n" * 40_000
    async with sink(offers=offers) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", octets=octets)
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.octets == octets


async def test_each_recipient_has_its_own_fate(store: Store, tmp_path: Path) -> None:
    def answer(line: str) -> str | None:
        if "<no@" in line:
            return "550 5.1.1 no such user"
        return "450 4.2.1 busy" if "<later@" in line else None

    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port, retry_seconds=(300.0,)):
        await enqueue(store, "yes@far.test", "no@far.test", "later@far.test")
        (received,) = await far.until(1)
        (entry,) = await until(store, lambda found: len(found) == 1 and bool(found[0].last.status))
    assert [line for line in received.recipients if "yes@" in line]
    assert (entry.recipient, entry.last.status) == ("later@far.test", "4.2.1")
    assert entry.last.reply == "450 4.2.1 busy"
    (report,) = await reports(store)
    assert b"Final-Recipient: rfc822; no@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" in report
    assert b"later@far.test" not in report


async def test_sessions_are_used_again(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port, connections_per_domain=2):
        for number in range(30):
            await enqueue(store, "a@far.test", id=f"m{number}")
        await far.until(30)
        await until_empty(store)
    assert far.connections <= 2


async def test_a_destination_has_its_limit(store: Store, tmp_path: Path) -> None:
    for number in range(60):
        await enqueue(store, "a@far.test", id=f"m{number}")
    async with sink() as far, relaying(store, tmp_path, far.port, connections_per_domain=3):
        await far.until(60)
        await until_empty(store)
    assert far.most_at_once <= 3


async def test_two_hosts_on_one_queue_send_each_message_once(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    async with (
        open_test_store(store_settings) as one,
        open_test_store(store_settings) as other,
        sink() as far,
    ):
        for number in range(40):
            octets = MESSAGE + b"%d\r\n" % number
            await enqueue(one, "a@far.test", id=f"m{number}", octets=octets)
        async with relaying(one, tmp_path, far.port), relaying(other, tmp_path, far.port):
            await far.until(40)
            await until_empty(one)
        assert len({received.octets for received in far.received}) == len(far.received) == 40


# --- what was asked of reports travels ------------------------------------------------------------


async def test_dsn_parameters_go_on_as_they_came(store: Store, tmp_path: Path) -> None:
    envelope = Envelope(SENDER, ret="hdrs", envid="QQ+2B1")
    request = DsnRequest("success,Failure", "rfc822;X+2B@y.test")
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", envelope=envelope, request=request)
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.mail.endswith(" RET=hdrs ENVID=QQ+2B1")
    assert received.recipients == ["RCPT TO:<a@far.test> NOTIFY=success,Failure ORCPT=rfc822;X+2B@y.test"]
    assert await reports(store) == []


async def test_a_server_without_dsn_is_told_of_as_the_end_of_the_trail(store: Store, tmp_path: Path) -> None:
    offers = [offer for offer in OFFERS if offer != "DSN"]
    async with sink(offers=offers) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", request=DsnRequest("SUCCESS"))
        (received,) = await far.until(1)
        await until_empty(store)
    assert "NOTIFY" not in received.recipients[0]
    (report,) = await reports(store)
    assert b"\r\nAction: relayed\r\nStatus: 2.0.0\r\n" in report


# --- not sent -------------------------------------------------------------------------------------

GREYLISTED = "451 4.7.1 come back later"


async def test_a_passing_failure_is_tried_again(store: Store, tmp_path: Path) -> None:
    refusals = iter([GREYLISTED, GREYLISTED])

    def answer(line: str) -> str | None:
        return next(refusals, None) if line.startswith("RCPT") else None

    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test")
        await far.until(1)
        await until_empty(store)
    assert sum(line.startswith("RCPT") for line in far.commands) == 3
    assert await reports(store) == []


async def test_a_server_that_is_down_is_asked_again(store: Store, tmp_path: Path) -> None:
    far = Sink()
    await far.start()
    await far.stop()
    async with relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test")
        (entry,) = await until(store, lambda found: bool(found[0].last.status))
        assert entry.last.status == "4.4.1"
        await far.start()
        await far.until(1)
        await until_empty(store)
    await far.stop()


async def test_the_next_server_is_tried(store: Store, tmp_path: Path) -> None:
    zone = names()
    zone.mx_of["far.test"] = [(5, "dead.far.test"), (10, "mx.far.test")]
    zone.a_of["dead.far.test"] = ["127.0.0.2"]
    zone.aaaa_of["mx.far.test"] = ["::1"]
    async with sink() as far, relaying(store, tmp_path, far.port, zone):
        await enqueue(store, "a@far.test")
        await far.until(1)
        await until_empty(store)
    assert far.connections == 1


async def test_a_line_dropped_before_the_reply_is_in_doubt_and_sent_again(
    store: Store, tmp_path: Path
) -> None:
    drops = iter(["", ""])
    before = metrics.IN_DOUBT._value.get()

    def answer(line: str) -> str | None:
        return next(drops, None) if line == "END" else None

    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test")
        await far.until(1)
        await until_empty(store)
    assert sum(line.startswith("MAIL") for line in far.commands) == 3
    assert len(far.received) == 1
    assert metrics.IN_DOUBT._value.get() == before + 2


@pytest.mark.parametrize(
    ("recipient", "offers", "octets", "envelope", "status"),
    [
        ("jos\u00e9@far.test", ("PIPELINING",), MESSAGE, Envelope(SENDER, smtputf8=True), b"5.6.7"),
        ("a@far.test", ("PIPELINING", "SIZE 20"), MESSAGE, Envelope(SENDER), b"5.3.4"),
        ("a@far.test", ("PIPELINING",), b"Subject: hi\r\nX: \xe9\r\n\r\n", Envelope(SENDER), b"5.6.3"),
        ("a@far.test", OFFERS, MESSAGE, Envelope(SENDER, requiretls=True), b"5.7.30"),
        ("a@gone.test", OFFERS, MESSAGE, Envelope(SENDER), b"5.1.2"),
        ("a@null.test", OFFERS, MESSAGE, Envelope(SENDER), b"5.1.10"),
        ("a@ours.test", OFFERS, MESSAGE, Envelope(SENDER), b"5.4.6"),
    ],
)
async def test_what_cannot_be_sent_comes_back(
    store: Store,
    tmp_path: Path,
    recipient: str,
    offers: Sequence[str],
    octets: bytes,
    envelope: Envelope,
    status: bytes,
) -> None:
    zone = names()
    zone.mx_of |= {"null.test": [(0, "")], "ours.test": [(10, HERE), (20, "mx.far.test")]}
    async with sink(offers=offers) as far, relaying(store, tmp_path, far.port, zone):
        await enqueue(store, recipient, octets=octets, envelope=envelope)
        await until_empty(store)
    assert far.received == []
    (report,) = await reports(store)
    assert b"Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.test>\r\n" in report
    assert b"\r\nAction: failed\r\nStatus: " + status + b"\r\n" in report
    assert b"Subject: hi\r\n" in report


async def test_required_tls_goes_where_the_server_is_sure(
    store: Store, tmp_path: Path, trusted: Authority, unknown: Authority
) -> None:
    """RFC 8689 section 4.2.1: DNSSEC or MTA-STS for its name, a certificate for that, and REQUIRETLS."""
    envelope = Envelope(SENDER, requiretls=True, ret="FULL")
    offers = [*OFFERS, "REQUIRETLS"]
    zone = names(authentic=True)
    async with (
        sink(offers=offers, tls=trusted.server("mx.far.test")) as far,
        relaying(store, tmp_path, far.port, zone, ca_file=trusted.ca_file),
    ):
        await enqueue(store, "a@far.test", envelope=envelope)
        (received,) = await far.until(1)
        await until_empty(store)
        assert received.tls
        assert " REQUIRETLS" in received.mail
        far.tls = unknown.server("mx.far.test")
        await enqueue(store, "a@far.test", id="m2", envelope=envelope)
        (entry,) = await until(store, lambda found: bool(found and found[0].last.status))
        assert entry.last.status == "4.7.5"
        far.tls, far.offers = trusted.server("mx.far.test"), OFFERS
        await until_empty(store)
        zone.authentic, far.offers = False, offers
        await enqueue(store, "a@far.test", id="m3", envelope=envelope)
        await until_empty(store)
    assert len(far.received) == 1
    found = await reports(store)
    assert len(found) == 2
    for report in found:  # section 5: what had to be hidden does not come back in the clear
        assert b"Status: 5.7.30\r\n" in report
        assert b"message/rfc822\r\n" not in report


@pytest.mark.parametrize("said", ["250 2.0.0 taken", "354 go on"])
async def test_only_a_success_counts_as_one(store: Store, tmp_path: Path, said: str) -> None:
    """A server that has lost the thread: what it says of DATA or of the message's end is no acceptance."""

    def answer(line: str) -> str | None:
        return said if line == ("DATA" if said.startswith("250") else "END") else None

    async with (
        sink(answer=answer, offers=["PIPELINING"]) as far,
        relaying(store, tmp_path, far.port, retry_seconds=(300.0,)),
    ):
        await enqueue(store, "a@far.test")
        (entry,) = await until(store, lambda found: bool(found[0].last.status))
    assert entry.last.status.startswith("4.")


async def test_utf8_goes_where_it_is_understood(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "jos\u00e9@far.test", envelope=Envelope(SENDER, smtputf8=True))
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.mail.endswith(" SMTPUTF8")
    assert received.recipients == ["RCPT TO:<jos\u00e9@far.test>"]


async def test_dead_dns_keeps_mail(store: Store, tmp_path: Path) -> None:
    zone = names(dead={"far.test"})
    async with sink() as far, relaying(store, tmp_path, far.port, zone):
        await enqueue(store, "a@far.test", "b@near.test")
        await far.until(1)
        (entry,) = await until(store, lambda found: len(found) == 1 and bool(found[0].last.status))
        assert (entry.recipient, entry.last.status) == ("a@far.test", "4.4.3")
        zone.dead.clear()
        await far.until(2)
        await until_empty(store)


async def test_mail_does_not_go_to_what_listens_here(store: Store, tmp_path: Path) -> None:
    """Whoever may send could otherwise talk to anything in our own network."""
    async with sink() as far, relaying(store, tmp_path, far.port, loopback=False):
        await enqueue(store, "a@far.test", "b@[127.0.0.1]", "c@[IPv6:::1]")
        await until_empty(store)
    assert far.connections == 0
    assert len(await reports(store)) == 3


# --- giving up ------------------------------------------------------------------------------------


async def test_a_late_message_is_reported_once_and_expires_with_a_report(
    store: Store, tmp_path: Path
) -> None:
    def answer(line: str) -> str | None:
        return GREYLISTED if line.startswith("RCPT") else None

    settings = {"retry_seconds": (0.3,), "delay_report_seconds": 0.2}
    async with sink(answer=answer) as far, relaying(store, tmp_path, far.port, **settings):
        await enqueue(store, "a@far.test", lives=timedelta(seconds=1.5))
        await until_empty(store)
    delayed, failed = await reports(store)
    assert b"\r\nAction: delayed\r\nStatus: 4.7.1\r\n" in delayed
    assert b"\r\nWill-Retry-Until: " in delayed
    assert b"\r\nAction: failed\r\nStatus: 5.4.7\r\n" in failed
    assert GREYLISTED.encode() in failed


@pytest.mark.parametrize(
    ("envelope", "request_"),
    [
        (Envelope(None), DsnRequest()),
        (Envelope(SENDER), DsnRequest("NEVER")),
        (Envelope(SENDER), DsnRequest("SUCCESS")),
    ],
)
async def test_nobody_hears_who_is_not_to(
    store: Store, tmp_path: Path, envelope: Envelope, request_: DsnRequest
) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@gone.test", envelope=envelope, request=request_)
        await until_empty(store)
    assert await reports(store) == []
    assert far.connections == 0


async def test_the_whole_message_comes_back_where_it_was_asked_for(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@gone.test", envelope=Envelope(SENDER, ret="FULL", envid="x+3Dy"))
        await until_empty(store)
    (report,) = await reports(store)
    assert b"Content-Type: message/rfc822\r\n" in report
    assert b"\r\n\r\n" + TRAVELS + b"\r\n--=_" in report
    assert b"Original-Envelope-Id: x=y\r\n" in report


@pytest.mark.parametrize(
    ("subject", "ret", "kind"),
    [
        ("gr\u00fc\u00dfe".encode(), "FULL", b"message/global"),
        ("gr\u00fc\u00dfe".encode(), "HDRS", b"message/global-headers"),
        (b"gr\xfc\xdfe", "FULL", b"message/rfc822"),
        (b"gr\xfc\xdfe", "HDRS", b"text/rfc822-headers"),
    ],
)
async def test_what_comes_back_beyond_ascii(
    store: Store, tmp_path: Path, subject: bytes, ret: str, kind: bytes
) -> None:
    """RFC 6533 sections 5 and 6, for UTF-8; what is of another charset is no header of RFC 6532."""
    octets = b"Subject: " + subject + b"\r\n\r\nhello\r\n"
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@gone.test", octets=octets, envelope=Envelope(SENDER, ret=ret))
        await until_empty(store)
    (report,) = await reports(store)
    assert b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" in report
    assert b"Subject: " + subject + b"\r\n" in report


async def test_a_report_for_a_sender_elsewhere_leaves_with_the_null_path(
    store: Store, tmp_path: Path
) -> None:
    sender = Address.parse("bob@near.test")
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@gone.test", envelope=Envelope(sender))
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.mail.startswith("MAIL FROM:<>")
    assert b"Return-Path" not in received.octets.partition(b"\r\n\r\n")[0]
    assert received.recipients == ["RCPT TO:<bob@near.test>"]


# --- ours -----------------------------------------------------------------------------------------


async def test_held_mail_for_people_here_arrives_in_its_time(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        await store.directory.add_domain("closed.test", DomainPolicy.REJECT_UNKNOWN)
        request = DsnRequest("SUCCESS,FAILURE", "rfc822;x")
        await enqueue(
            store,
            "bob@example.test",
            "no@closed.test",
            "a@far.test",
            request=request,
            age=timedelta(minutes=1),
        )
        await far.until(1)
        await until_empty(store)
    (held,) = await reports(store, "bob@example.test")
    assert held == MESSAGE
    told = b"".join(await reports(store))
    assert b"Final-Recipient: rfc822; bob@example.test\r\nAction: delivered\r\n" in told
    assert b"Final-Recipient: rfc822; no@closed.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" in told


async def test_held_mail_for_a_list_reaches_its_members(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        members = [Address.parse("one@example.test"), Address.parse("two@example.test")]
        await store.aliases.add(Address.parse("team@example.test"), members)
        await enqueue(store, "team@example.test", age=timedelta(minutes=1))
        await until_empty(store)
    assert [await reports(store, str(member)) for member in members] == [[MESSAGE], [MESSAGE]]


async def test_a_domain_that_has_come_to_us_is_no_loop(store: Store, tmp_path: Path) -> None:
    async with sink() as far:
        await enqueue(store, "a@far.test", octets=b"Subject: large\r\n\r\n" + b"line\r\n" * 20_000)
        await store.directory.add_domain("far.test")
        async with relaying(store, tmp_path, far.port):
            await until_empty(store)
        assert far.connections == 0
    assert len(await reports(store, "a@far.test")) == 1


async def test_what_cannot_be_reported_stays_in_sight(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in a report: nothing vanishes, and nothing else is held up."""
    monkeypatch.setattr("mailkeep.delivery.reporting.head", None)
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@gone.test")
        await enqueue(store, "a@far.test", id="m2")
        await far.until(1)
        (entry,) = await until(store, lambda found: len(found) == 1 and bool(found[0].last.status))
    assert (entry.recipient, entry.last.status) == ("a@gone.test", "5.1.2")
    assert "could not be reported" in entry.last.reply


# --- starting and stopping ------------------------------------------------------------------------


async def test_stopped_in_order_it_gives_back_what_it_had(store: Store, tmp_path: Path) -> None:
    hold = asyncio.Event()

    def answer(line: str) -> str | None:
        hold.set()
        return None

    async with sink(answer=answer) as far:
        async with relaying(store, tmp_path, far.port, connections_per_domain=1):
            for number in range(50):
                await enqueue(store, "a@far.test", id=f"m{number}")
            await hold.wait()
        rest = await store.queue.claim("next", 100, 60)
        assert len(rest) + len(far.received) == 50


async def test_what_a_dead_host_had_is_taken_over(store: Store, tmp_path: Path) -> None:
    await enqueue(store, "a@far.test")
    assert len(await store.queue.claim("dead", 10, 0.5)) == 1
    async with sink() as far, relaying(store, tmp_path, far.port):
        await far.until(1)
        await until_empty(store)


async def test_a_lease_is_kept_while_a_server_thinks(store: Store, tmp_path: Path) -> None:
    async with sink(answer=lambda line: None) as far, relaying(store, tmp_path, far.port, lease_seconds=0.3):
        far.greeting = "220-wait"  # and no more
        await enqueue(store, "a@far.test")
        async with asyncio.timeout(30):
            while not far.connections:
                await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        assert not await store.queue.claim("other", 10, 60)
        assert far.connections == 1


async def test_what_was_held_is_sent_when_it_is_released(store: Store, tmp_path: Path) -> None:
    await enqueue(store, "a@far.test")
    await store.queue.hold(QueueFilter())
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "b@far.test", id="m2")
        await far.until(1)
        await store.queue.release(QueueFilter())
        await far.until(2)
        await until_empty(store)


async def test_a_smarthost_gets_everything(store: Store, tmp_path: Path) -> None:
    async with sink(offers=[*OFFERS, "AUTH PLAIN"]) as far:
        settings = {"route": "smarthost", "smarthost": f"127.0.0.1:{far.port}", "smarthost_tls": "none"}
        async with relaying(store, tmp_path, 1, Names(), **settings):
            await enqueue(store, "a@far.test", "b@near.test", "c@nowhere.test")
            (received,) = await far.until(1)
            await until_empty(store)
    assert len(received.recipients) == 3
    assert replace(received).tls is False
