"""Sends digests that are due. Any number of processes may look: each digest is claimed in the store by one.

A claim settles when the user's next digest is due before this one is written, so that a process which dies in
between costs one digest and never sends one twice. There is none where nothing is unread, and none that is
late by a day: after a long outage its news is old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mailkeep.delivery.dispatch import Addressee, Dispatch, Mail
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.submit import new_id
from mailkeep.errors import MailkeepError, StoreUnavailable
from mailkeep.model.address import Address
from mailkeep.model.queue import Envelope
from mailkeep.observe.logs import get_logger
from mailkeep.settings import Settings
from mailkeep.settings_api import zone_of
from mailkeep.storage.interface import DueDigest, EmailFilter, EmailRow, Store
from mailkeep_api.digesting import letter
from mailkeep_api.digesting.letter import Digest
from mailkeep_api.digesting.times import next_due, period

LOOK_SECONDS = 30.0
AT_ONCE = 100  # users of one look at the store
SHOWN = 20  # messages that a digest tells of
LATE = timedelta(days=1)

_log = get_logger("api")


class DigestSender:
    """One a process: `run` it as an owned task and cancel it to stop."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._dispatch = Dispatch(store, settings.relay)
        self._zone = zone_of(settings.api.digest_zone)
        self._ours = f".digest@{settings.smtp.hostname}"
        self._link = f"{settings.api.public_url.rstrip('/')}/console/mail" if settings.api.public_url else ""

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                await self.send_due(datetime.now(UTC))
            except StoreUnavailable as error:
                _log.warning("digests cannot be sent now", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def send_due(self, at: datetime) -> int:
        """Every digest that is due at that moment; how many were sent. Raises StoreUnavailable."""
        sent = 0
        while due := await self._store.preferences.due_digests(at, AT_ONCE):
            for one in due:
                sent += await self._claimed(one, at)
        return sent

    async def _claimed(self, one: DueDigest, at: datetime) -> bool:
        """Whether it was sent. The first after a change of settings is due at the time that they say."""
        due_at = one.due_at or next_due(one.frequency, one.time_of_day, self._zone, one.changed_at)
        is_now = at - LATE < due_at <= at
        following = next_due(one.frequency, one.time_of_day, self._zone, at) if due_at <= at else due_at
        if not await self._store.preferences.claim_digest(one.user_id, one.due_at, following) or not is_now:
            return False
        try:
            return await self._send(one, due_at, at)
        except StoreUnavailable:
            raise
        except MailkeepError as error:  # of this user alone
            _log.warning("a digest was not sent", user=str(one.user_id), error=str(error))
            return False

    async def _send(self, one: DueDigest, due_at: datetime, at: datetime) -> bool:
        since, to = due_at - period(one.frequency), Address.parse(one.address)
        count, rows = await self._unread(one.account_id, since, at)
        if not rows:
            return False
        id = new_id()
        digest = Digest(to, since, at, self._zone, count, rows[:SHOWN], self._link)
        octets = await asyncio.to_thread(letter.octets_of, digest, f"{id}{self._ours}")
        mail = Mail(
            id=id,
            message=await prepare_content(octets),
            envelope=Envelope(None, smtputf8=not to.is_ascii),
            addressees=(Addressee(to),),
            received_at=at,
        )
        await self._dispatch.require_room(mail.addressees[0], len(octets))
        await self._dispatch.accept(mail)
        return True

    async def _unread(
        self, account_id: int, since: datetime, until: datetime
    ) -> tuple[int, Sequence[EmailRow]]:
        """(how many, the newest of them). The digest before this one is no news."""
        which = EmailFilter(since=since, until=until, is_read=False)
        count, _ = await self._store.emails.count(account_id, which)
        found = await self._store.emails.find(account_id, which, 0, SHOWN + 1)
        rows = [row for row in found if not row.header_message_id.strip("<>").endswith(self._ours)]
        return count - (len(found) - len(rows)), rows
