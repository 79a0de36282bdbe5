"""Telling senders what became of their mail (RFC 3461, RFC 3464), in the commit that settles it.

A report goes to the reverse-path, with the null one as its own, so that no report ever causes another (RFC
5321 section 4.5.5). Where nobody may be told, or nobody is there to be told, recipients are settled all the
same.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailkeep.delivery.dispatch import Addressee, Dispatch, Mail
from mailkeep.delivery.forwarding import Forwarder
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.spool import Spool
from mailkeep.delivery.submit import addressees_for, new_id
from mailkeep.errors import InUse, Refusal
from mailkeep.model.address import Address
from mailkeep.model.message import PreparedMessage
from mailkeep.model.queue import NO_REQUEST, DsnRequest, Envelope, QueuedMessage, Settlement
from mailkeep.observe.logs import get_logger
from mailkeep.settings_relay import RelaySettings
from mailkeep.smtp.dsn import Action, Report, Reported, head, tail
from mailkeep.storage.interface import Body, Store

TRACE = b"Return-Path: <>\r\n"
_EVENTS = {
    Action.FAILED: "FAILURE",
    Action.DELAYED: "DELAY",
    Action.DELIVERED: "SUCCESS",
    Action.RELAYED: "SUCCESS",
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fate:
    """One recipient: what it asked for, what is to be told, and how the queue settles it (None if it never
    was in the queue)."""

    request: DsnRequest
    reported: Reported
    settlement: Settlement | None = None


class Reporter:
    """Makes reports. `hostname` is ours; `relays` says that reports may leave for other domains."""

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        spool_directory: Path,
        hostname: str,
        *,
        relays: bool,
        forwarder: Forwarder | None = None,
    ) -> None:
        self._store = store
        self.dispatch = dispatch
        self.directory = spool_directory
        self._hostname = hostname
        self._relays = relays
        self._forwarder = forwarder or Forwarder(store, RelaySettings())

    async def settle(self, action: Action, message: QueuedMessage, body: Body, fates: Sequence[Fate]) -> None:
        """Settle recipients of a queued message, and tell its sender as far as that was asked for.

        Raises StoreUnavailable, SpoolUnavailable; nothing is settled then.
        """
        told, silent = _sorted(action, message.envelope, fates)
        await self._store.queue.settle([one.settlement for one in silent if one.settlement])
        if not told:
            return
        settles = tuple(one.settlement for one in told if one.settlement)
        if not await self._send(action, message, body, told, settles):
            await self._store.queue.settle(settles)

    async def delivered(self, mail: Mail) -> None:
        """Tell the sender of a message that came here what became of it, where NOTIFY asked for success.

        Raises StoreUnavailable, SpoolUnavailable.
        """
        fates = [
            Fate(one.request, Reported(one.address, one.request.orcpt))
            for one in mail.addressees
            if one.is_local and one.request is not NO_REQUEST
        ]
        if not fates:
            return
        message = QueuedMessage(
            mail.id, mail.envelope, mail.message.header, mail.message.size, mail.received_at
        )
        told, _ = _sorted(Action.DELIVERED, mail.envelope, fates)
        if told:
            await self._send(Action.DELIVERED, message, None, told, ())

    # --- one report -------------------------------------------------------------------------------

    async def _send(
        self,
        action: Action,
        message: QueuedMessage,
        body: Body | None,
        fates: Sequence[Fate],
        settles: tuple[Settlement, ...],
    ) -> bool:
        """True if it was committed, or others have claimed its recipients meanwhile."""
        sender, addressees = await self._whom(message)
        if not addressees:
            return False
        async with Spool(self.directory) as spool:
            report = self._report(action, message, sender, [fate.reported for fate in fates])
            prepared = await _prepare(spool, report, message, body)
            envelope = Envelope(None, requiretls=message.envelope.requiretls)
            mail = Mail(report.id, prepared, envelope, addressees, report.made_at, settles=settles)
            try:
                await self.dispatch.accept(mail)
            except InUse:
                log.warning("what was to be reported is in other hands", id=message.id)
        log.info("reported", id=message.id, report=report.id, action=action.value, recipients=len(fates))
        return True

    async def _author(self, message: QueuedMessage) -> Address | None:
        """Who sends by an account elsewhere hears here of what became of it: a report that left for there
        would come from a stranger. None if the sender is one of ours, or nobody's user."""
        sender = message.envelope.sender
        if message.user_id is None or sender is None:
            return None
        if await self._store.directory.domain(sender.domain) is not None:
            return None
        user = await self._store.directory.user(message.user_id)
        return None if user is None else Address.parse(user.primary_address)

    async def _whom(self, message: QueuedMessage) -> tuple[Address, tuple[Addressee, ...]]:
        """Who sent it, also where we have rewritten that for the way; and where a report to them goes."""
        sender = message.envelope.sender
        assert sender is not None
        try:
            sender = await self._forwarder.original(sender) or sender
            told = await self._author(message) or sender
            return sender, await addressees_for(self._store.directory, told, relays=self._relays)
        except Refusal as error:
            log.warning("nobody can be told", sender=str(sender), reason=str(error))
            return sender, ()

    def _report(
        self, action: Action, message: QueuedMessage, sender: Address, recipients: Sequence[Reported]
    ) -> Report:
        full = action is Action.FAILED and message.envelope.ret.upper() == "FULL"
        full = full and not message.envelope.requiretls  # RFC 8689 section 5
        return Report(
            action=action,
            id=new_id(),
            hostname=self._hostname,
            to=sender,
            recipients=recipients,
            arrived_at=message.created_at,
            made_at=datetime.now(UTC),
            boundary=f"=_{secrets.token_hex(16)}",
            envid=message.envelope.envid,
            full=full,
            ascii_only=not full and message.header.isascii(),
            internationalized=_is_internationalized(message.header),
        )


def _is_internationalized(header: bytes) -> bool:
    """False for what is beyond ASCII in some other charset: that was no header ever."""
    try:
        return not header.isascii() and bool(header.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _sorted(action: Action, envelope: Envelope, fates: Sequence[Fate]) -> tuple[list[Fate], list[Fate]]:
    """Those that the sender hears of, and the others."""
    told: list[Fate] = []
    silent: list[Fate] = []
    for fate in fates:
        heard = envelope.sender is not None and fate.request.wants(_EVENTS[action])
        (told if heard else silent).append(fate)
    return told, silent


async def _prepare(
    spool: Spool, report: Report, message: QueuedMessage, body: Body | None
) -> PreparedMessage:
    await spool.append(TRACE + head(report))
    async for piece in _returned(report, message, body):
        await spool.append(piece)
    await spool.append(tail(report))
    return await prepare_content(await spool.content())


async def _returned(report: Report, message: QueuedMessage, body: Body | None) -> AsyncIterator[bytes]:
    if report.full and body is not None:
        async for piece in body.chunks():
            yield piece
    else:
        yield message.header.rstrip(b"\r\n") + b"\r\n"
