"""The queue of outgoing mail: in with its delivery, out by being settled, to one host at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.storage.making import address, inbox_of, new_user, prepared

from mailkeep.errors import InUse, NotFound
from mailkeep.model.message import Delivery, DeliveryTarget, PreparedMessage, SpooledContent
from mailkeep.model.queue import (
    Attempt,
    Claimed,
    DsnRequest,
    Envelope,
    Outbound,
    OutboundRecipient,
    QueueState,
    Settlement,
)
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import QueueFilter, Store, Topic, TopicKind

SENDER = address("alice@example.test")
DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


def outbound(id: str, *recipients: str, later: timedelta = timedelta(0)) -> Outbound:
    """What goes to those addresses, in the order given."""
    began = now()
    return Outbound(
        id=id,
        envelope=Envelope(SENDER),
        recipients=tuple(OutboundRecipient(address(one)) for one in recipients or ("bob@far.test",)),
        not_before=began + later,
        expires_at=began + 5 * DAY,
    )


async def enqueue(store: Store, out: Outbound, message: PreparedMessage | None = None, *here: str) -> None:
    targets = tuple(DeliveryTarget(address(name)) for name in here)
    await store.committer.deliver(Delivery(message or prepared(), targets, now(), out))


async def claim(store: Store, lease: str = "a", limit: int = 100, seconds: float = 60) -> list[Claimed]:
    return list(await store.queue.claim(lease, limit, seconds))


def done(one: Claimed) -> Settlement:
    return Settlement(one.id, one.lease)


# --- in -------------------------------------------------------------------------------------------


async def test_what_was_asked_for_is_kept_as_it_was_sent(store: Store) -> None:
    envelope = Envelope(SENDER, smtputf8=True, requiretls=True, ret="hdrs", envid="QQ+2B1")
    recipient = OutboundRecipient(
        address('"odd local"@far.test'), DsnRequest("success,FAILURE", "rfc822;X+3D")
    )
    out = replace(outbound("m1"), envelope=envelope, recipients=(recipient,), skip=9)
    octets = prepared(b"Body\r\n", header=b"Removed\r\nSubject: kept\r\n\r\n")
    await enqueue(store, out, octets)
    (one,) = await claim(store)
    assert (one.id, one.message_id, one.recipient, one.request) == (
        "m1-1",
        "m1",
        recipient.address,
        recipient.request,
    )
    assert (one.attempts, one.delay_told) == (1, False)
    message, body = await store.queue.message("m1")
    assert message.envelope == envelope
    assert await body.read() == b"Subject: kept\r\n\r\nBody\r\n"
    assert message.size == body.size == len(await body.read())


async def test_a_large_message_waits_as_it_came(store: Store, tmp_path: Path) -> None:
    octets = bytes(range(256)) * 4096
    path = tmp_path / "spooled"
    await asyncio.to_thread(path.write_bytes, octets)
    await enqueue(
        store, outbound("m1"), prepared(SpooledContent(str(path), 0, len(octets)), header=b"A: b\r\n\r\n")
    )
    _, body = await store.queue.message("m1")
    assert await body.read() == b"A: b\r\n\r\n" + octets


async def test_small_ones_are_read_together(store: Store) -> None:
    await enqueue(store, outbound("m1"), prepared(b"small\r\n"))
    await enqueue(store, outbound("m2"), prepared(b"large\r\n" * 1000))
    found = await store.queue.messages(["m1", "m2", "gone"], 1000)
    assert list(found) == ["m1"]
    message, body = found["m1"]
    assert message == (await store.queue.message("m1"))[0]
    assert (await body.read()).endswith(b"\r\n\r\nsmall\r\n")


async def test_local_and_remote_recipients_are_one_commit(store: Store) -> None:
    user = await new_user(store)
    out = outbound("m1", "bob@far.test", "eve@other.test")
    await enqueue(store, out, None, "alice")
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 1
    assert [str(one.recipient) for one in await claim(store)] == ["bob@far.test", "eve@other.test"]


async def test_nothing_stays_of_a_delivery_that_fails(store: Store) -> None:
    """The second has the first one's id, which the database refuses."""
    await enqueue(store, outbound("m1"))
    user = await new_user(store)
    with pytest.raises(Exception, match="store"):
        await enqueue(store, outbound("m1"), None, "alice")
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 0
    assert len(await claim(store)) == 1


async def test_a_copy_of_what_was_sent_is_no_news(store: Store) -> None:
    user = await new_user(store)
    target = DeliveryTarget(address("alice"), is_news=False)
    await store.committer.deliver(Delivery(prepared(), (target,), now()))
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 1
    assert not await store.outbox.claim(10, 60)


async def test_it_wakes_who_watches(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        woken = asyncio.Event()
        other.feed.watch(Topic(TopicKind.QUEUE), woken.set)
        await enqueue(one, outbound("m1"))
        await asyncio.wait_for(woken.wait(), 10)


# --- claimed --------------------------------------------------------------------------------------


async def test_each_is_claimed_by_one(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        for number in range(10):
            await enqueue(one, outbound(f"m{number}", "a@far.test", "b@far.test"))
        claims = await asyncio.gather(
            *[claim(store, f"l{turn}", 3) for turn in range(5) for store in (one, other)]
        )
        ids = [item.id for items in claims for item in items]
        while rest := await claim(one, "rest"):
            ids += [item.id for item in rest]
        assert len(ids) == len(set(ids)) == 20


async def test_the_most_overdue_come_first_and_none_before_its_time(store: Store) -> None:
    await enqueue(store, outbound("late", later=-DAY))
    await enqueue(store, outbound("later", later=-2 * DAY))
    await enqueue(store, outbound("future", later=DAY))
    assert [one.message_id for one in await claim(store, "a", 1)] == ["later"]
    assert [one.message_id for one in await claim(store, "b")] == ["late"]
    next_at = await store.queue.next_at()
    assert next_at is not None
    assert next_at <= now() + DAY


async def test_busy_domains_are_passed_over(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@near.test"))
    claimed = await store.queue.claim("a", 10, 60, ["far.test", "x.test"])
    assert [str(one.recipient) for one in claimed] == ["b@near.test"]


async def test_a_lease_ends_with_its_host(store: Store) -> None:
    await enqueue(store, outbound("m1"))
    (first,) = await claim(store, "a", seconds=0.01)
    await asyncio.sleep(0.02)
    (second,) = await claim(store, "b")
    assert (second.id, second.attempts) == (first.id, 2)
    assert await store.queue.settle([done(first)]) == 0
    assert await store.queue.renew([first], 60) == 0
    assert await store.queue.settle([done(second)]) == 1


async def test_a_renewed_lease_holds(store: Store) -> None:
    await enqueue(store, outbound("m1"))
    claimed = await claim(store, "a", seconds=0.05)
    assert await store.queue.renew(claimed, 60) == 1
    await asyncio.sleep(0.06)
    assert not await claim(store, "b")


# --- settled --------------------------------------------------------------------------------------


async def test_a_message_goes_with_its_last_recipient(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@far.test"))
    one, other = await claim(store)
    await store.queue.settle([done(one)])
    await store.queue.message("m1")
    await store.queue.settle([done(other)])
    with pytest.raises(NotFound):
        await store.queue.message("m1")
    assert (await store.queue.status()).oldest_at is None


async def test_the_last_two_settled_at_once_leave_nothing(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as here, open_test_store(store_settings) as there:
        for number in range(10):
            await enqueue(here, outbound(f"m{number}", "a@far.test", "b@far.test"))
            one, other = await claim(here, f"l{number}")
            await asyncio.gather(here.queue.settle([done(one)]), there.queue.settle([done(other)]))
            with pytest.raises(NotFound):
                await here.queue.message(f"m{number}")


async def test_one_that_is_to_be_tried_again_says_why(store: Store) -> None:
    await enqueue(store, outbound("m1"))
    (one,) = await claim(store)
    told = Attempt("4.4.1", "connection refused \x00", "mx.far.test")
    later = now() + DAY
    await store.queue.settle([Settlement(one.id, one.lease, later, told, delay_told=True)])
    (entry,) = await store.queue.entries()
    assert (entry.state, entry.attempts, entry.next_attempt_at) == (QueueState.WAITING, 1, later)
    assert (entry.last.status, entry.last.host) == ("4.4.1", "mx.far.test")
    await store.queue.retry(QueueFilter())
    (again,) = await claim(store, "b")
    assert (again.attempts, again.delay_told) == (2, True)
    await store.queue.settle([Settlement(again.id, again.lease, now(), counts=False)])
    (third,) = await claim(store, "c")
    assert (third.attempts, third.delay_told) == (2, True)


async def test_a_report_and_what_it_reports_are_one_commit(store: Store) -> None:
    user = await new_user(store)
    await enqueue(store, outbound("m1"))
    (one,) = await claim(store)
    report = Delivery(prepared(), (DeliveryTarget(SENDER),), now(), settles=(done(one),))
    await store.committer.deliver(report)
    assert not await store.queue.entries()
    with pytest.raises(InUse):
        await store.committer.deliver(report)
    snapshot = await store.messages.snapshot(await inbox_of(store, user))
    assert len(snapshot) == 1


# --- operators ------------------------------------------------------------------------------------


async def test_entries_are_listed_in_pages_and_by_what_they_are(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@near.test"))
    await enqueue(store, outbound("m2", "c@far.test"))
    first = await store.queue.entries(limit=2)
    rest = await store.queue.entries(limit=2, after=first[-1].id)
    assert [entry.id for entry in (*first, *rest)] == ["m1-1", "m1-2", "m2-1"]

    async def listed(which: QueueFilter) -> list[str]:
        return [entry.id for entry in await store.queue.entries(which)]

    assert await listed(QueueFilter(domain="far.test")) == ["m1-1", "m2-1"]
    assert await listed(QueueFilter(ids=("m1",))) == ["m1-1", "m1-2"]
    assert await listed(QueueFilter(ids=("m1-2", "m2"))) == ["m1-2", "m2-1"]
    assert await listed(QueueFilter(sender="alice@example.test", domain="near.test")) == ["m1-2"]
    assert await listed(QueueFilter(sender="")) == []
    assert await listed(QueueFilter(user_id=(await new_user(store)).id)) == []


async def test_what_is_held_waits_until_it_is_released(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@far.test"))
    assert await store.queue.hold(QueueFilter(ids=("m1-1",))) == 1
    assert [one.id for one in await claim(store)] == ["m1-2"]
    assert [entry.id for entry in await store.queue.entries(QueueFilter(held=True))] == ["m1-1"]
    assert await store.queue.retry(QueueFilter()) == 0
    assert await store.queue.next_at() is not None
    status = await store.queue.status()
    assert (status.waiting, status.sending, status.held) == (0, 1, 1)
    assert await store.queue.release(QueueFilter(ids=("m1",))) == 1
    assert [one.id for one in await claim(store)] == ["m1-1"]


async def test_what_is_dropped_is_gone_but_not_while_it_is_sent(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@near.test"))
    (one,) = await store.queue.claim("a", 10, 60, ["near.test"])
    assert await store.queue.drop(QueueFilter(ids=("m1",))) == 1
    assert [entry.id for entry in await store.queue.entries()] == [one.id]
    await store.queue.settle([done(one)])
    with pytest.raises(NotFound):
        await store.queue.message("m1")


async def test_retry_does_not_wait_for_the_time(store: Store) -> None:
    await enqueue(store, outbound("m1", later=DAY))
    assert not await claim(store)
    assert await store.queue.retry(QueueFilter(domain="far.test")) == 1
    assert len(await claim(store)) == 1


async def test_nothing_to_do(store: Store) -> None:
    assert not await claim(store)
    assert await store.queue.settle([]) == 0
    assert await store.queue.renew([], 60) == 0
    assert await store.queue.next_at() is None


# --- by an account elsewhere ----------------------------------------------------------------------


async def test_a_route_comes_back_with_each_claim(store: Store) -> None:
    await enqueue(store, replace(outbound("m1"), route="an account"))
    await enqueue(store, outbound("m2"))
    assert [one.route for one in await claim(store)] == ["an account", ""]
    assert [entry.route for entry in await store.queue.entries()] == ["an account", ""]


async def test_what_was_being_sent_when_its_host_died_is_in_doubt(store: Store) -> None:
    await enqueue(store, outbound("m1", "a@far.test", "b@far.test"))
    first, second = await claim(store, seconds=0)
    assert (first.doubt, second.doubt) == ("", "")
    assert await store.queue.sending([first], "m1-1.1") == 1
    again = await claim(store, "b")  # nobody settled it: the lease has ended
    assert [one.doubt for one in again] == ["m1-1.1", ""]
    assert await store.queue.sending([first, second], "late") == 0  # they are in other hands
    back = Settlement(again[0].id, "b", now(), counts=False)
    await store.queue.settle([back, Settlement(again[1].id, "b", now(), doubt="")])
    assert [one.doubt for one in await claim(store, "c")] == ["m1-1.1", ""]
    await store.queue.settle([Settlement(one.id, "c", now()) for one in again])
    assert [one.doubt for one in await claim(store, "d")] == ["", ""]  # a clear answer ends it
