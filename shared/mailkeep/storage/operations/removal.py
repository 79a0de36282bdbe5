"""Removing entries for good."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.address import Address
from mailkeep.model.flags import SystemFlag
from mailkeep.model.uids import UID_MAX, UidSet
from mailkeep.storage.change_log import APPENDED_LIMIT
from mailkeep.storage.interface import Expunged
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.selection import Entry, ForUids, entries

WEIGHT = 4096

_DELETE = ForUids("DELETE FROM entry WHERE mailbox_id = :mailbox_id AND uid")


class Expunge:
    """EXPUNGE and UID EXPUNGE; POP3's QUIT."""

    inserts = False
    new_messages = 0
    weight = WEIGHT

    def __init__(self, mailbox_id: int, uids: UidSet | None, only_deleted: bool) -> None:
        self._mailbox_id = mailbox_id
        self._uids = UidSet(((1, UID_MAX),)) if uids is None else uids
        self._only_deleted = only_deleted

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._mailbox_id,)

    async def apply(self, batch: Batch) -> Expunged:
        """See Operation."""
        mailbox = batch.mailbox(self._mailbox_id)
        if self._only_deleted and not mailbox.deleted:
            return Expunged(mailbox.highestmodseq, UidSet())
        found = await entries(batch.transaction, mailbox.id, self._uids)
        if self._only_deleted:
            found = [entry for entry in found if entry.flags & SystemFlag.DELETED]
        return await remove(batch, mailbox, found)


async def remove(batch: Batch, mailbox: LockedMailbox, found: Sequence[Entry]) -> Expunged:
    """Remove entries that were just read; none is fine."""
    uids = UidSet.of(entry.uid for entry in found)
    if uids:
        await _DELETE.run(batch.transaction, uids, mailbox_id=mailbox.id)
        for entry in found:
            mailbox.count(entry.flags, entry.size, -1)
        change = mailbox.new_change()
        change.expunged = uids
        change.removed = [entry.message_id for entry in found] if len(found) <= APPENDED_LIMIT else ()
    return Expunged(mailbox.highestmodseq, uids)
