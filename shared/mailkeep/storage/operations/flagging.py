"""Changing flags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailkeep.model.address import Address
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import FlagsStored
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.selection import (
    RANGES,
    RANGES_SQLITE,
    WITHIN,
    WITHIN_SQLITE,
    Entry,
    entries,
    ranges,
)
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_flags, words

WEIGHT = 4096

_SET = "UPDATE entry SET flags = :flags, keywords = :keywords, modseq = :modseq FROM"
_UPDATE = Query(
    f"{_SET} {RANGES} WHERE mailbox_id = :mailbox_id AND uid {WITHIN}",
    sqlite=f"{_SET} {RANGES_SQLITE} WHERE mailbox_id = :mailbox_id AND uid {WITHIN_SQLITE}",
)

Columns = tuple[int, str]
"""System flags and keywords as stored."""


class StoreFlags:
    """One STORE: what each entry gets is worked out first, then written, a statement a distinct result."""

    inserts = False
    new_messages = 0
    weight = WEIGHT

    def __init__(
        self, mailbox_id: int, uids: UidSet, action: FlagAction, flags: Flags, unchanged_since: int | None
    ) -> None:
        self._mailbox_id = mailbox_id
        self._uids = uids
        self._action = action
        self._flags = flags
        self._unchanged_since = unchanged_since

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._mailbox_id,)

    async def apply(self, batch: Batch) -> FlagsStored:
        """See Operation. Raises InvalidName past the keyword limit, before anything is written."""
        mailbox = batch.mailbox(self._mailbox_id)
        found = await entries(batch.transaction, mailbox.id, self._uids)
        modified = self._modified(found)
        groups = self._results(entry for entry in found if entry.uid not in modified)
        if not groups:
            return FlagsStored(mailbox.highestmodseq, UidSet(), modified)
        changed = await _write(batch, mailbox, groups)
        return FlagsStored(mailbox.highestmodseq, changed, modified)

    def _modified(self, found: Sequence[Entry]) -> UidSet:
        """Entries that changed since the client last looked (RFC 7162 section 3.1.3)."""
        if self._unchanged_since is None:
            return UidSet()
        return UidSet.of(entry.uid for entry in found if entry.modseq > self._unchanged_since)

    def _results(self, found: Iterable[Entry]) -> dict[Columns, list[Entry]]:
        """Entries that change, by the flags that they get."""
        results: dict[Columns, Columns] = {}
        groups: dict[Columns, list[Entry]] = {}
        for entry in found:
            before = (entry.flags, entry.keywords)
            after = results.get(before)
            if after is None:
                flags = as_flags(*before).apply(self._action, self._flags)
                after = results[before] = (int(flags.system), words(flags.keywords))
            if after != before:
                groups.setdefault(after, []).append(entry)
        return groups


async def _write(batch: Batch, mailbox: LockedMailbox, groups: dict[Columns, list[Entry]]) -> UidSet:
    change = mailbox.new_change()
    written = []
    every = UidSet()
    for (flags, keywords), members in groups.items():
        uids = UidSet.of(entry.uid for entry in members)
        await batch.transaction.run(
            _UPDATE,
            flags=flags,
            keywords=keywords,
            modseq=change.modseq,
            mailbox_id=mailbox.id,
            ranges=ranges(uids),
        )
        for entry in members:
            mailbox.count(entry.flags, entry.size, -1)
            mailbox.count(flags, entry.size, 1)
        written.append((str(uids), flags, keywords))
        every = every | uids
    change.flagged = written
    return every
