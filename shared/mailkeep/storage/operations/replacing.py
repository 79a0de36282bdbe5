"""A message in the place of another: one comes, one goes, and nobody sees both or neither (RFC 8508)."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Appended, Expunged
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.insertion import Append
from mailkeep.storage.operations.removal import remove
from mailkeep.storage.operations.selection import entries


class Replace:
    """An append that takes an entry of `source_id` away."""

    inserts = False  # it has to see the old entry first
    new_messages = 1

    def __init__(self, source_id: int, uid: int, append: Append) -> None:
        self._source_id = source_id
        self._uid = uid
        self._append = append
        self.weight = append.weight

    def addresses(self) -> Sequence[Address]:
        """See Operation."""
        return ()

    def mailbox_ids(self) -> Sequence[int]:
        """See Operation."""
        return (self._source_id, *self._append.mailbox_ids())

    async def apply(self, batch: Batch) -> tuple[Appended, Expunged]:
        """See Operation. Raises NotFound, OverQuota."""
        source = batch.mailbox(self._source_id)
        found = await entries(batch.transaction, source.id, UidSet.of([self._uid]))
        if not found:
            raise NotFound("The message to be replaced is gone.")
        (old,) = found
        source.count(old.flags, old.size, -1)  # section 3.4: its room is free already
        try:
            appended = await self._append.apply(batch)
        finally:
            source.count(old.flags, old.size, 1)
        await batch.flush()
        return appended, await remove(batch, source, found)
