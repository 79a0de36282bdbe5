"""Putting new messages into mailboxes: deliveries and appends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from mailkeep.errors import MailboxNotFound
from mailkeep.model.address import Address
from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import (
    Delivered,
    Delivery,
    DeliveryTarget,
    NewMessage,
    PackedBlob,
    PreparedMessage,
    SentSizes,
)
from mailkeep.model.queue import Outbound
from mailkeep.model.upstream import FetchedFrom
from mailkeep.storage import queue_rows
from mailkeep.storage.database import Row, changed
from mailkeep.storage.interface import Appended, TopicKind
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations import filtering
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.filtering import Placing
from mailkeep.storage.quotas import require_room
from mailkeep.storage.values import clean, moment, moment_or_none, new_uuid, now, words

ROW_WEIGHT = 2048  # octets that rows cost beside their large columns


@dataclass(frozen=True, slots=True)
class Ready:
    """A message whose rows are made, but for the ids that only a transaction can give."""

    blob: PackedBlob
    email_id: UUID
    columns: Row = field(repr=False)
    size: int
    weight: int
    sent_sizes: SentSizes | None = None


def make_ready(message: PreparedMessage, blob: PackedBlob) -> Ready:
    """The columns of the message table from `digest` on, in its order."""
    summary = message.summary
    columns = (
        blob.digest,
        message.size,
        now(),
        moment_or_none(summary.sent_at),
        summary.attachment_count,
        clean(summary.subject),
        clean(summary.base_subject),
        clean(summary.from_address),
        clean(summary.from_name),
        clean(summary.message_id),
        clean("\n".join(summary.references)),
        clean(summary.preview),
        message.envelope,
        message.body,
        message.body_structure,
        message.parts,
        message.header,
    )
    weight = ROW_WEIGHT + blob.weight + sum(len(column) for column in columns[12:])
    return Ready(blob, new_uuid(), columns, message.size, weight, message.sent_sizes)


def _add_message(batch: Batch, ready: Ready) -> int:
    message_id = batch.message_ids.popleft()
    batch.blobs.append(ready.blob)
    batch.messages.append((message_id, ready.email_id, *ready.columns))
    if ready.sent_sizes is not None:
        batch.sent_sizes.append((message_id, ready.sent_sizes.whole, ready.sent_sizes.downgraded))
    return message_id


def _add_entry(
    batch: Batch, mailbox: LockedMailbox, message_id: int, *, size: int, flags: Flags, internal_date: int
) -> int:
    uid = mailbox.take_uids(1)[0]
    system, keywords = int(flags.system), words(flags.keywords)
    modseq = batch.append_change(mailbox).modseq
    row = (mailbox.id, uid, message_id, system, keywords, modseq, size, internal_date, now())
    batch.add_entries(mailbox, [(row, (uid, message_id, system, keywords, size, internal_date))])
    return uid


_AS_ADDRESSED = Placing()


class Deliver:
    """One message for all its recipients: entries for those here, rows in the queue for the others."""

    inserts = True

    def __init__(self, delivery: Delivery, ready: Ready, text: str | None = None) -> None:
        self._delivery = delivery
        self._text = text
        self._ready = ready
        self.weight = ready.weight
        self.new_messages = 1 if delivery.targets else 0
        self.mailbox_names = {target.mailbox for target in delivery.targets}

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return [target.address for target in self._delivery.targets]

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return ()

    async def apply(self, batch: Batch) -> tuple[Delivered, ...]:
        """See Operation. Recipients who share a mailbox share an entry. Raises InUse if a lease is lost,
        TextNeeded if a filter looks at the text and it is not there."""
        return self.put(batch, await self.begin(batch))

    async def begin(self, batch: Batch) -> Mapping[int, Placing]:
        """What filters say, and nothing kept yet. Raises as `apply` does."""
        placings = await filtering.place(batch, self._delivery.message, self._delivery.targets, self._text)
        if self._delivery.settles:
            await queue_rows.settle_all(batch.transaction, self._delivery.settles)
        return placings

    def put(self, batch: Batch, placings: Mapping[int, Placing]) -> tuple[Delivered, ...]:
        """Into the buffers."""
        if self._delivery.outbound is not None:
            self._enqueue(batch, self._delivery.outbound)
        if not self._delivery.targets:
            return ()
        message_id = _add_message(batch, self._ready)
        uids: dict[int, int] = {}
        return tuple(
            self._deliver(batch, message_id, target, uids, placings) for target in self._delivery.targets
        )

    def _deliver(
        self,
        batch: Batch,
        message_id: int,
        target: DeliveryTarget,
        uids: dict[int, int],
        placings: Mapping[int, Placing],
    ) -> Delivered:
        owner = batch.owners[target.address.key]
        filtered = target.is_news and target.mailbox == INBOX
        placing = placings.get(owner.account_id, _AS_ADDRESSED) if filtered else _AS_ADDRESSED
        mailbox = placing.mailbox or batch.mailbox_of(owner.account_id, target.mailbox)
        if mailbox.id not in uids:
            received = moment(self._delivery.received_at)
            flags = filtering.flags_with(placing, target.flags)
            uids[mailbox.id] = _add_entry(
                batch, mailbox, message_id, size=self._ready.size, flags=flags, internal_date=received
            )
            if owner.user_id is not None and target.is_news and not placing.discarded:
                self._notify(batch, owner.user_id)
        uid = uids[mailbox.id]
        if self._delivery.fetched is not None:
            self._note_source(batch, self._delivery.fetched, mailbox.id, uid)
        return Delivered(target, owner.account_id, owner.user_id, mailbox.id, uid, self._ready.email_id)

    def _note_source(self, batch: Batch, source: FetchedFrom, mailbox_id: int, uid: int) -> None:
        system, keywords = int(source.flags.system), words(source.flags.keywords)
        batch.fetched.append((source.folder_id, source.uid, mailbox_id, uid, system, keywords))

    def _enqueue(self, batch: Batch, outbound: Outbound) -> None:
        delivery, blob = self._delivery, self._ready.blob
        message, recipients = queue_rows.rows(outbound, delivery.message, blob.digest, delivery.received_at)
        batch.blobs.append(blob)
        batch.queue_messages.append(message)
        batch.queue_recipients.extend(recipients)
        changed(batch.transaction, TopicKind.QUEUE)

    def _notify(self, batch: Batch, user_id: UUID) -> None:
        summary, origin = self._delivery.message.summary, self._delivery.origin
        batch.notices.append(
            (
                user_id.bytes,
                self._ready.email_id.bytes,
                now(),
                clean(summary.from_address),
                clean(summary.from_name),
                clean(summary.subject),
                summary.attachment_count > 0,
                origin.mail_id,
                origin.traceparent,
            )
        )


class DeliverAll:
    """Several messages at once, all of them or none: one wait, one answer."""

    inserts = True

    def __init__(self, deliveries: Sequence[Deliver]) -> None:
        self._deliveries = deliveries
        self.weight = sum(one.weight for one in deliveries)
        self.new_messages = sum(one.new_messages for one in deliveries)
        self.mailbox_names = {name for one in deliveries for name in one.mailbox_names}

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return [address for one in self._deliveries for address in one.addresses()]

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return ()

    async def apply(self, batch: Batch) -> tuple[tuple[Delivered, ...], ...]:
        """See Operation. Filters are asked of all before anything is kept. Raises TextNeeded."""
        placings = [await one.begin(batch) for one in self._deliveries]
        return tuple(one.put(batch, placing) for one, placing in zip(self._deliveries, placings, strict=True))


class Append:
    """Messages that a user puts into a mailbox, all or none."""

    inserts = True

    def __init__(
        self,
        mailbox_id: int,
        messages: Sequence[NewMessage],
        ready: Sequence[Ready],
        name: str | None = None,
    ) -> None:
        self._mailbox_id = mailbox_id
        self._name = name
        self._messages = messages
        self._ready = ready
        self.weight = sum(message.weight for message in ready)
        self.new_messages = len(ready)

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._mailbox_id,)

    async def apply(self, batch: Batch) -> Appended:
        """See Operation. Raises MailboxNotFound, OverQuota."""
        mailbox = batch.mailbox(self._mailbox_id)
        if self._name not in (None, mailbox.name):
            raise MailboxNotFound("The mailbox has another name now.")
        await require_room(batch, mailbox, [ready.size for ready in self._ready])
        uids = tuple(
            _add_entry(
                batch,
                mailbox,
                _add_message(batch, ready),
                size=ready.size,
                flags=message.flags,
                internal_date=moment(message.internal_date),
            )
            for message, ready in zip(self._messages, self._ready, strict=True)
        )
        return Appended(mailbox.id, mailbox.uidvalidity, uids, highestmodseq=mailbox.highestmodseq)
