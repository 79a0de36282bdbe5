"""Telling listeners of new mail, however the news came: each message once to each user.

The store's change log tells of it wherever somebody listens (`following`). A notification, from another host
or out of the outbox, comes beside it: it reaches those whom nobody follows yet, tells of mail that the log
does not, and is what browsers are pushed for. So the log is asked first, and what it told is not told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from mailkeep.model.message import NO_ORIGIN, Origin
from mailkeep.observe import tracing
from mailkeep.observe.logs import get_logger
from mailkeep_api.changes import tell_unread
from mailkeep_api.deps import Services
from mailkeep_api.hub import Hub
from mailkeep_api.news import key_of
from mailkeep_api.schemas.notifications import NewEmail

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """News of one message. `id` is under which it may be repeated; "" if it may not."""

    id: str
    user_ids: Sequence[UUID]
    email: NewEmail
    origin: Origin = NO_ORIGIN


async def announce(services: Services, announcements: Collection[Announcement]) -> None:
    """Raise NewEmail and UnreadCountChanged, and offer the news to browsers. Raises StoreUnavailable."""
    traceparents = [one.origin.traceparent for one in announcements]
    with tracing.each("tell of new mail", tracing.CONSUMER, traceparents) as traces:
        await _announce(services, announcements, traces)


async def _announce(
    services: Services, announcements: Collection[Announcement], traces: Sequence[str]
) -> None:
    hub = services.hub
    untold = {
        user_id
        for one in announcements
        for user_id in one.user_ids
        if not hub.has_seen(key_of(user_id, one.email.id))
    }
    await asyncio.gather(*(services.following.settle(user_id) for user_id in untold))
    told: set[UUID] = set()
    for one, trace in zip(announcements, traces, strict=True):
        if not one.id or hub.first_time(one.id):
            told |= _publish(services, one)
            _record(hub, one, trace)
            log.info("told of new mail", id=one.origin.mail_id, users=len(one.user_ids))
            services.pusher.offer(one.id, one.user_ids, one.email)
    if told:
        await tell_unread(services, told)


def _publish(services: Services, one: Announcement) -> set[UUID]:
    """Those who had not heard of it."""
    data = one.email.model_dump(mode="json", by_alias=True)
    told = set()
    for user_id in one.user_ids:
        if services.hub.first_time(key_of(user_id, one.email.id)):
            services.hub.publish(user_id, "NewEmail", data, services.following.position(user_id))
            told.add(user_id)
    return told


def _record(hub: Hub, one: Announcement, trace: str) -> None:
    """When the event went to whoever listens, which the change log may have had done before."""
    for user_id in one.user_ids:
        at = hub.seen_at(key_of(user_id, one.email.id))
        tracing.record("event stream NewEmail", tracing.PRODUCER, trace, at)
