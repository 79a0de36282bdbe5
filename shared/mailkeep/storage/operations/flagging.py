"""Changing flags: of one message or of a whole mailbox.

A long run of UIDs is swept: one statement changes all that have the flags of the first, and its count says
whether that was all. What is left, and what may be refused, is read first and written a statement a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.address import Address
from mailkeep.model.flags import EVERY_FLAG, FlagAction, FlagMask, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.change_log import ChangeRow
from mailkeep.storage.database import Connection
from mailkeep.storage.interface import FlagsStored
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.selection import Entry, ForUids, alike, entries, first_and_last
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_flags, words

WEIGHT = 4096

_UPDATE = ForUids(
    "UPDATE entry SET flags = :flags, keywords = :keywords, modseq = :modseq"
    " WHERE mailbox_id = :mailbox_id AND uid"
)

_SWEEP = Query(
    "UPDATE entry SET flags = :flags, keywords = :keywords, modseq = :modseq"
    " WHERE mailbox_id = :mailbox_id AND uid BETWEEN :low AND :high"
    " AND flags = :flags_before AND keywords = :keywords_before"
)

MANY = 64  # UIDs that are worth an attempt at all of them together

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
        if self._is_sweeping:
            swept = await self._sweep(batch, mailbox)
            if swept is not None:
                return swept
        groups, modified = await self._groups(batch.transaction)
        results = self._results(mailbox, groups)
        if not results:
            return FlagsStored(mailbox.highestmodseq, UidSet(), modified)
        change = mailbox.new_change()
        await _update(batch, change, results)
        return FlagsStored(change.modseq, _noted(change, results), modified)

    # --- all that are alike ---------------------------------------------------------------------

    @property
    def _is_sweeping(self) -> bool:
        """True for a long run of UIDs to which nothing is done that could be refused, whatever they have."""
        simple = self._unchanged_since is None and not self._flags.keywords
        return simple and len(self._uids.ranges) == 1 and len(self._uids) >= MANY

    async def _sweep(self, batch: Batch, mailbox: LockedMailbox) -> FlagsStored | None:
        """Change all that have what the first one has, by one statement that asks no row before: often that
        is the whole mailbox. None, and nothing done, if the first one has what it would get."""
        ((low, high),) = self._uids.ranges
        found = await first_and_last(batch.transaction, mailbox.id, low, high)
        if found is None:
            return FlagsStored(mailbox.highestmodseq, UidSet(), UidSet())
        first, last, *before = found
        after = self._stored_after((before[0], before[1]))
        if after == tuple(before):
            return None
        change = mailbox.new_change()
        count = await batch.transaction.run(
            _SWEEP,
            flags=after[0],
            keywords=after[1],
            modseq=change.modseq,
            mailbox_id=mailbox.id,
            low=first,
            high=last,
            flags_before=before[0],
            keywords_before=before[1],
        )
        mailbox.recount(before[0], after[0], count)
        results = {after: UidSet(((first, last),))}
        if count <= last - first:  # there are gaps, or others
            results = await self._rest(batch, mailbox, change, after)
        return FlagsStored(change.modseq, _noted(change, results), UidSet())

    async def _rest(self, batch: Batch, mailbox: LockedMailbox, change: ChangeRow, swept: Columns) -> Groups:
        """Change those that the sweep left; what all of the range got that changed."""
        done, groups = [], dict[Columns, list[int]]()
        for uid, _, flags, keywords, modseq, *_ in await entries(batch.transaction, mailbox.id, self._uids):
            if modseq == change.modseq:
                done.append(uid)
            else:
                groups.setdefault((flags, keywords), []).append(uid)
        results = self._results(mailbox, {before: UidSet.of(uids) for before, uids in groups.items()})
        await _update(batch, change, results)
        more = results.get(swept, UidSet())
        return {**results, swept: UidSet.of(done) | more}

    # --- one by one -----------------------------------------------------------------------------

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
        afters = {before: self._stored_after(before) for before in groups}
        results: Groups = {}
        for before, uids in groups.items():
            after = afters[before]
            if after != before:
                results[after] = results[after] | uids if after in results else uids
                mailbox.recount(before[0], after[0], len(uids))
        return results

    def _stored_after(self, before: Columns) -> Columns:
        after = self._after(as_flags(*before))
        return int(after.system), words(after.keywords)

    def _after(self, before: Flags) -> Flags:
        after = before.apply(self._action, self._flags)
        return after if self._within is EVERY_FLAG else before.replaced_within(self._within, after)


async def _update(batch: Batch, change: ChangeRow, results: Groups) -> None:
    for (flags, keywords), uids in results.items():
        await _UPDATE.run(
            batch.transaction,
            uids,
            flags=flags,
            keywords=keywords,
            modseq=change.modseq,
            mailbox_id=change.mailbox_id,
        )


def _noted(change: ChangeRow, results: Groups) -> UidSet:
    """Write down in the change log who got what; all of them."""
    change.flagged = [(str(uids), flags, keywords) for (flags, keywords), uids in results.items()]
    return UidSet.of_ranges(span for uids in results.values() for span in uids.ranges)
