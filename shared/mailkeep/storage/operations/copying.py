"""Copying and moving entries; the messages themselves stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.address import Address
from mailkeep.model.flags import EVERY_FLAG, FlagMask
from mailkeep.model.uids import UidSet
from mailkeep.storage.change_log import APPENDED_LIMIT
from mailkeep.storage.interface import Appended, Expunged
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import INSERT_ENTRIES, Batch
from mailkeep.storage.operations.removal import remove
from mailkeep.storage.operations.selection import Entry, entries
from mailkeep.storage.quotas import require_room
from mailkeep.storage.values import now

WEIGHT = 4096


class _Between:
    """What copying and moving share: two mailboxes, and the entries to take."""

    inserts = False
    new_messages = 0
    weight = WEIGHT
    keeps_source = True

    def __init__(self, source_id: int, uids: UidSet, target_id: int, kept: FlagMask = EVERY_FLAG) -> None:
        self._kept = kept
        self._source_id = source_id
        self._uids = uids
        self._target_id = target_id

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._source_id, self._target_id)

    async def _copy(self, batch: Batch) -> tuple[Appended, Sequence[Entry]]:
        source, target = batch.mailbox(self._source_id), batch.mailbox(self._target_id)
        found = await entries(batch.transaction, source.id, self._uids)
        if self.keeps_source or source.account_id != target.account_id:
            await require_room(batch, target, [entry.size for entry in found])
        return await add_copies(batch, target, self._with_kept_flags(found)), found

    def _with_kept_flags(self, found: Sequence[Entry]) -> Sequence[Entry]:
        if self._kept is EVERY_FLAG:
            return found
        system = int(self._kept.system)
        return [
            entry._replace(flags=entry.flags & system, keywords=entry.keywords if self._kept.keywords else "")
            for entry in found
        ]


class Copy(_Between):
    """RFC 9051 section 6.4.7."""

    async def apply(self, batch: Batch) -> Appended:
        """See Operation."""
        return (await self._copy(batch))[0]


class Move(_Between):
    """RFC 6851. Within an account it takes no room."""

    keeps_source = False

    async def apply(self, batch: Batch) -> tuple[Appended, Expunged]:
        """See Operation."""
        appended, found = await self._copy(batch)
        return appended, await remove(batch, batch.mailbox(self._source_id), found)


async def add_copies(batch: Batch, target: LockedMailbox, found: Sequence[Entry]) -> Appended:
    """Add entries for the same messages, with the same flags and dates, in the order of `found`."""
    if not found:
        return Appended(target.id, target.uidvalidity, (), (), target.highestmodseq)
    uids = target.take_uids(len(found))
    modseq, saved = _write_down(target, uids, found), now()
    rows = []
    for uid, entry in zip(uids, found, strict=True):
        kept = (entry.message_id, entry.flags, entry.keywords)
        rows.append((target.id, uid, *kept, modseq, entry.size, entry.internal_date, saved))
        target.count(entry.flags, entry.size, 1)
    await batch.transaction.insert((INSERT_ENTRIES, rows))
    return Appended(target.id, target.uidvalidity, tuple(uids), tuple(entry.uid for entry in found), modseq)


def _write_down(target: LockedMailbox, uids: range, found: Sequence[Entry]) -> int:
    if len(found) > APPENDED_LIMIT:
        return target.skip_modseq()
    change = target.new_change()
    change.appended = [
        (uid, entry.message_id, entry.flags, entry.keywords, entry.size, entry.internal_date)
        for uid, entry in zip(uids, found, strict=True)
    ]
    return change.modseq
