"""Digests of a store: when one is sent, to whom, and that each is sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.api_host import api_settings

from mailkeep.errors import StoreUnavailable
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.flags import Flags
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import EmailFilter, EmailRow, Store
from mailkeep_api.digesting import sender as sender_module
from mailkeep_api.digesting.sender import SHOWN, DigestSender

ANN, BOB = "ann@example.test", "bob@example.test"
HOUR = timedelta(hours=1)


@pytest.fixture
async def ann(store: Store) -> User:
    await store.directory.add_domain("example.test")
    return await store.directory.add_user(Address.parse(ANN))


@pytest.fixture
def sender(store: Store, store_settings: StoreSettings) -> DigestSender:
    return DigestSender(store, api_settings(store_settings, 1))


async def deliver(store: Store, at: datetime, subject: str = "news", *flags: str, to: str = ANN) -> None:
    target = DeliveryTarget(Address.parse(to), flags=Flags.parse(flags))
    message = prepare(f"From: Bob <b@other.test>\r\nSubject: {subject}\r\n\r\nHello.\r\n".encode())
    await store.committer.deliver(Delivery(message, (target,), at))


async def wanted(store: Store, user: User, frequency: str = "daily") -> datetime:
    """Ask for digests; when the first is due."""
    now = datetime.now(UTC)
    due = (now + HOUR).replace(second=0, microsecond=0)
    await store.preferences.change(
        user.id, email_digest=True, digest_frequency=frequency, digest_time=f"{due:%H:%M:%S}"
    )
    return due


async def digests(store: Store, user: User) -> Sequence[EmailRow]:
    assert user.account_id is not None
    rows = await store.emails.find(user.account_id, EmailFilter(), 0, 100)
    return [row for row in rows if "unread message" in row.subject]


async def test_what_came_and_is_unread_is_told_at_the_users_time(
    store: Store, sender: DigestSender, ann: User
) -> None:
    due = await wanted(store, ann)
    await deliver(store, due - HOUR)
    await deliver(store, due - HOUR, "read already", "\\Seen")
    await deliver(store, due - 25 * HOUR, "of the day before")
    assert await sender.send_due(due - HOUR / 60) == 0
    assert await sender.send_due(due + HOUR / 60) == 1
    assert await sender.send_due(due + HOUR) == 0
    [digest] = await digests(store, ann)
    assert digest.subject.startswith("1 unread message since")
    assert digest.from_address == "postmaster@example.test"
    assert digest.preview.startswith("1 unread message came since")


async def test_yesterdays_digest_is_no_news(store: Store, sender: DigestSender, ann: User) -> None:
    due = await wanted(store, ann)
    await deliver(store, due - HOUR)
    assert await sender.send_due(due) == 1
    assert await sender.send_due(due + 24 * HOUR) == 0
    await deliver(store, due + 30 * HOUR)
    assert await sender.send_due(due + 48 * HOUR) == 1
    assert [row.subject[:16] for row in await digests(store, ann)] == ["1 unread message"] * 2


async def test_nothing_unread_no_digest(store: Store, sender: DigestSender, ann: User) -> None:
    due = await wanted(store, ann)
    assert await sender.send_due(due) == 0
    assert await store.preferences.due_digests(due, 10) == []  # and the next one is settled


async def test_who_does_not_want_one_any_more_or_is_locked_out_gets_none(
    store: Store, sender: DigestSender, ann: User
) -> None:
    due = await wanted(store, ann)
    await deliver(store, due - HOUR)
    await store.preferences.change(ann.id, email_digest=False)
    assert await sender.send_due(due) == 0
    due = await wanted(store, ann)
    await store.directory.set_disabled(ann.id, True)
    assert await sender.send_due(due) == 0


async def test_a_digest_that_is_late_by_a_day_is_left_out(
    store: Store, sender: DigestSender, ann: User
) -> None:
    due = await wanted(store, ann)
    await deliver(store, due - HOUR)
    assert await sender.send_due(due + 25 * HOUR) == 0
    assert await digests(store, ann) == []


async def test_many_processes_send_it_once(store: Store, store_settings: StoreSettings, ann: User) -> None:
    due = await wanted(store, ann)
    for number in range(SHOWN + 5):
        await deliver(store, due - HOUR, f"news {number}")
    senders = [DigestSender(store, api_settings(store_settings, 1)) for _ in range(5)]
    assert sum(await asyncio.gather(*(one.send_due(due) for one in senders))) == 1
    [digest] = await digests(store, ann)
    assert digest.subject.startswith(f"{SHOWN + 5} unread messages since")


async def test_a_user_without_room_gets_none_and_the_others_theirs(
    store: Store, sender: DigestSender, ann: User
) -> None:
    bob = await store.directory.add_user(Address.parse(BOB))
    due = max(await wanted(store, ann), await wanted(store, bob))
    for to in (ANN, BOB):
        await deliver(store, due - HOUR, to=to)
    await store.quotas.set_limits(ann.id, 1, None)
    assert await sender.send_due(due) == 1
    assert (len(await digests(store, ann)), len(await digests(store, bob))) == (0, 1)


async def test_the_next_look_gets_over_an_outage(
    sender: DigestSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    again = asyncio.Event()

    async def look(_: datetime) -> int:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise StoreUnavailable("away")
        again.set()
        return 0

    monkeypatch.setattr(sender_module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(sender, "send_due", look)
    running = asyncio.create_task(sender.run())
    await asyncio.wait_for(again.wait(), 60)
    running.cancel()
