"""Changing flags."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.address import Address
from mailkeep.model.flags import EVERY_FLAG, FlagAction, FlagMask, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.database import Connection
from mailkeep.storage.interface import FlagsStored
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.selection import Entry, ForUids, alike, entries
from mailkeep.storage.values import as_flags, words

WEIGHT = 4096

_UPDATE = ForUids(
    "UPDATE entry SET flags = :flags, keywords = :keywords, modseq = :modseq"
    " WHERE mailbox_id = :mailbox_id AND uid"
)

MANY = 64  # UIDs for which it is worth asking whether they are alike

Columns = tuple[int, str]
"""System flags and keywords as stored."""

Groups = dict[Columns, UidSet]


class StoreFlags:
    """One STORE: what entries get is worked out first, then written, a statement a distinct result."""

    inserts = False
    new_messages = 0
    weight = WEIGHT

    def __init__(
        self,
        mailbox_id: int,
        uids: UidSet,
        action: FlagAction,
        flags: Flags,
        unchanged_since: int | None,
        *,
        within: FlagMask = EVERY_FLAG,
    ) -> None:
        self._mailbox_id = mailbox_id
        self._uids = uids
        self._action = action
        self._flags = flags
        self._unchanged_since = unchanged_since
        self._within = within

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._mailbox_id,)

    async def apply(self, batch: Batch) -> FlagsStored:
        """See Operation. Raises InvalidName past the keyword limit, before anything is written."""
        mailbox = batch.mailbox(self._mailbox_id)
        groups, modified = await self._groups(batch.transaction)
        results = self._results(mailbox, groups)
        if not results:
            return FlagsStored(mailbox.highestmodseq, UidSet(), modified)
        changed = await _write(batch, mailbox, results)
        return FlagsStored(mailbox.highestmodseq, changed, modified)

    async def _groups(self, connection: Connection) -> tuple[Groups, UidSet]:
        """UIDs by the flags that they have, without those that were modified meanwhile, and these."""
        if len(self._uids) >= MANY:  # often a whole mailbox, in which nobody has touched anything
            found = await alike(connection, self._mailbox_id, self._uids)
            if found is not None and (self._unchanged_since is None or found.modseq <= self._unchanged_since):
                return {(found.flags, found.keywords): found.uids}, UidSet()
        rows = await entries(connection, self._mailbox_id, self._uids)
        modified = self._modified(rows)
        groups: dict[Columns, list[int]] = {}
        for uid, _, flags, keywords, *_ in rows:
            if not modified or uid not in modified:
                groups.setdefault((flags, keywords), []).append(uid)
        return {before: UidSet.of(uids) for before, uids in groups.items()}, modified

    def _modified(self, found: Sequence[Entry]) -> UidSet:
        """Entries that changed since the client last looked (RFC 7162 section 3.1.3)."""
        if self._unchanged_since is None:
            return UidSet()
        return UidSet.of(entry.uid for entry in found if entry.modseq > self._unchanged_since)

    def _results(self, mailbox: LockedMailbox, groups: Groups) -> Groups:
        """UIDs that change, by the flags that they get, from UIDs by the flags that they have."""
        afters = {before: self._after(as_flags(*before)) for before in groups}
        results: Groups = {}
        for before, uids in groups.items():
            after = (int(afters[before].system), words(afters[before].keywords))
            if after != before:
                results[after] = results[after] | uids if after in results else uids
                mailbox.recount(before[0], after[0], len(uids))
        return results

    def _after(self, before: Flags) -> Flags:
        after = before.apply(self._action, self._flags)
        return after if self._within is EVERY_FLAG else before.replaced_within(self._within, after)


async def _write(batch: Batch, mailbox: LockedMailbox, results: Groups) -> UidSet:
    change = mailbox.new_change()
    written = []
    for (flags, keywords), uids in results.items():
        await _UPDATE.run(
            batch.transaction,
            uids,
            flags=flags,
            keywords=keywords,
            modseq=change.modseq,
            mailbox_id=mailbox.id,
        )
        written.append((str(uids), flags, keywords))
    change.flagged = written
    return UidSet.of_ranges(span for uids in results.values() for span in uids.ranges)
