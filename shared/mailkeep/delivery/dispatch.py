"""Where an accepted message goes: mailboxes here, the queue for everywhere else, a copy for its author.

All of it is one commit. `accept` returns when that is durable, and only then may the sender be told so; if it
raises, nothing of the message was kept. Who may send what to whom was decided before: nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mailkeep.model.address import Address
from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.message import Delivered, Delivery, DeliveryTarget, Origin, PreparedMessage
from mailkeep.model.principal import Principal
from mailkeep.model.queue import NO_REQUEST, DsnRequest, Envelope, Outbound, OutboundRecipient, Settlement
from mailkeep.observe import tracing
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store

SENT = "Sent"
JUNK = "Junk"
JUNK_FLAGS = Flags.parse(["$Junk"])
_RETURN_PATH = b"return-path:"


@dataclass(frozen=True, slots=True)
class Addressee:
    """One recipient: an address of ours that mail is stored under, or one elsewhere. `alias` is the address
    of ours that led there, if one did."""

    address: Address
    is_local: bool = True
    request: DsnRequest = NO_REQUEST
    alias: Address | None = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """How mail of others leaves for elsewhere: under which reverse-path, with which fields above it."""

    sender: Address | None
    above: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was accepted. `author` is who submitted it, None for what came from elsewhere.

    `id` is what its client is told; nothing arrives anywhere before `not_before`. `settles` is what leaves
    the queue with it: see Delivery. `junk` are keys of addressees who get it into the mailbox for that.
    `route` names the account elsewhere that sends it, see Outbound.
    `forwarded` is how it leaves, if it is not as it came.
    """

    id: str
    message: PreparedMessage = field(repr=False)
    envelope: Envelope
    addressees: tuple[Addressee, ...]
    received_at: datetime
    author: Principal | None = None
    saves_sent: bool = False
    not_before: datetime | None = None
    settles: tuple[Settlement, ...] = ()
    junk: frozenset[str] = frozenset()
    route: str = ""
    forwarded: Forwarded | None = None


class Dispatch:
    """The last step of every message."""

    def __init__(self, store: Store, settings: RelaySettings) -> None:
        self._store = store
        self._expire = timedelta(seconds=settings.expire_seconds)

    async def require_room(self, addressee: Addressee, size: int | None) -> None:
        """Whether a message of the declared size may come for an address of ours. Raises OverQuota, NeverFits
        (at RCPT, where each recipient has an answer of its own; after DATA there is one for all)."""
        if addressee.is_local:
            await self._store.quotas.require_room(addressee.address, size or 0)

    async def accept(self, mail: Mail) -> Sequence[Delivered]:
        """To every recipient, each once however often named. Raises StoreUnavailable."""
        unique = {addressee.address.key: addressee for addressee in mail.addressees}
        targets = [
            DeliveryTarget(one.address) if key not in mail.junk else await self._junk_target(one.address)
            for key, one in unique.items()
            if one.is_local and mail.not_before is None
        ]
        if mail.saves_sent and mail.author is not None:
            targets += await self._sent_copy(mail.author)
        remote = tuple(
            OutboundRecipient(one.address, one.request)
            for one in unique.values()
            if mail.not_before is not None or not one.is_local
        )
        with tracing.span("store"):
            outbound = self._outbound(mail, remote) if remote else None
            return await self._store.committer.deliver(
                Delivery(
                    mail.message,
                    tuple(targets),
                    mail.received_at,
                    outbound,
                    mail.settles,
                    origin=Origin(mail.id, tracing.traceparent()),
                )
            )

    def _outbound(self, mail: Mail, recipients: tuple[OutboundRecipient, ...]) -> Outbound:
        begins = mail.not_before or mail.received_at
        forwarded = mail.forwarded or Forwarded(mail.envelope.sender)
        return Outbound(
            id=mail.id,
            envelope=replace(mail.envelope, sender=forwarded.sender),
            recipients=recipients,
            not_before=begins,
            expires_at=begins + self._expire,
            user_id=mail.author.user_id if mail.author else None,
            skip=return_path_size(mail.message.header),
            route=mail.route,
            above=forwarded.above,
            traceparent=tracing.traceparent(),
        )

    async def _sent_copy(self, author: Principal) -> list[DeliveryTarget]:
        """Into the mailbox for it, read already; into INBOX if there is none (as the committer has it)."""
        if author.account_id is None:
            return []
        name = await self._mailbox_for(author.account_id, SpecialUse.SENT, SENT)
        return [DeliveryTarget(Address.parse(author.address), name, Flags(SystemFlag.SEEN), is_news=False)]

    async def _junk_target(self, address: Address) -> DeliveryTarget:
        """The mailbox for junk, which is no news. An account that nobody has claimed has it under its
        name."""
        user = await self._store.directory.user_by_address(address)
        name = JUNK if user is None else await self._mailbox_for(user.account_id, SpecialUse.JUNK, JUNK)
        return DeliveryTarget(address, name, JUNK_FLAGS, is_news=False)

    async def _mailbox_for(self, account_id: int, use: SpecialUse, otherwise: str) -> str:
        mailboxes = await self._store.mailboxes.list(account_id)
        return next((mailbox.name for mailbox in mailboxes if mailbox.special_use is use), otherwise)


def return_path_size(header: bytes) -> int:
    """Octets of the Return-Path at the top, which is for the last delivery alone (RFC 5321 section 4.4)."""
    if header[: len(_RETURN_PATH)].lower() != _RETURN_PATH:
        return 0
    end = header.find(b"\n") + 1
    while end and header[end : end + 1] in {b" ", b"\t"}:
        end = header.find(b"\n", end) + 1
    return end
