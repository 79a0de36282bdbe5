"""Recipients in the queue who are ours: mail that was to be held, and domains that have come to us since.

Their mail goes into mailboxes in the commit that takes them out of the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mailkeep.delivery.dispatch import Addressee, Dispatch, Mail
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.remote.destination import Job, Results
from mailkeep.delivery.remote.outcome import Result, never
from mailkeep.delivery.reporting import Reporter
from mailkeep.delivery.spool import Spool
from mailkeep.delivery.submit import addressees_for, new_id
from mailkeep.errors import Fault, InUse, NotFound, Refusal
from mailkeep.model.queue import Claimed, QueuedMessage, Settlement
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Body, Store

log = get_logger(__name__)


class Homecoming:
    """`take` gets the results of those that are refused; `settled` the ids of all others."""

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        reporter: Reporter,
        spool_directory: Path,
        *,
        take: Callable[[QueuedMessage, Body, Results], None],
        settled: Callable[[Sequence[str]], None],
        forwards: bool,
    ) -> None:
        self._store = store
        self._forwards = forwards
        self._dispatch = dispatch
        self._reporter = reporter
        self._directory = spool_directory
        self._take = take
        self._settled = settled

    async def deliver(self, job: Job) -> None:
        """One message. What the database does not take is left to its lease's end."""
        try:
            message, body = job.loaded or await self._store.queue.message(job.message_id)
            accepted, refused = await self._sorted(job.recipients)
            if accepted:
                await self._commit(message, body, accepted)
            if refused:
                self._take(message, body, refused)
            self._settled([one.id for one, _ in accepted])
        except (Fault, InUse, NotFound) as error:
            log.warning("held mail cannot be delivered", id=job.message_id, reason=str(error))
            self._settled([one.id for one in job.recipients])

    async def _sorted(
        self, recipients: Sequence[Claimed]
    ) -> tuple[list[tuple[Claimed, Addressee]], list[tuple[Claimed, Result]]]:
        accepted: list[tuple[Claimed, Addressee]] = []
        refused: list[tuple[Claimed, Result]] = []
        for one in recipients:
            try:
                found = await addressees_for(
                    self._store.directory, one.recipient, relays=False, forwards=self._forwards
                )
                accepted += [(one, replace(addressee, request=one.request)) for addressee in found]
            except Refusal as error:
                refused.append((one, never("5.1.1", str(error)).result))
        return accepted, refused

    async def _commit(
        self, message: QueuedMessage, body: Body, accepted: Sequence[tuple[Claimed, Addressee]]
    ) -> None:
        async with Spool(self._directory) as spool:
            await spool.append(f"Return-Path: <{message.envelope.sender or ''}>\r\n".encode())
            async for piece in body.chunks():
                await spool.append(piece)
            mail = Mail(
                id=message.id if all(one.is_local for _, one in accepted) else new_id(),  # its id is taken
                message=await prepare_content(await spool.content()),
                envelope=message.envelope,
                addressees=tuple(addressee for _, addressee in accepted),
                received_at=datetime.now(UTC),
                settles=tuple(
                    Settlement(one.id, one.lease) for one in dict.fromkeys(one for one, _ in accepted)
                ),
            )
            await self._dispatch.accept(mail)
        try:
            await self._reporter.delivered(mail)
        except Fault as error:
            log.error("a delivery could not be reported", id=mail.id, reason=str(error))
