"""A mailbox in which another process had made exactly as many commits at once as a snapshot remembers: the
oldest was taken for forgotten, so sessions took in none of them, and messages were gone without an EXPUNGE.
"""

from __future__ import annotations

from mailkeep.model.flags import Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.snapshot import CHANGES_KEPT, Change, Snapshot, SnapshotEntry
from mailkeep_imap.recent import RecentLedger
from mailkeep_imap.selected import Selected


def test_all_of_them_are_told() -> None:
    snapshot = Snapshot(mailbox_id=7, uidvalidity=1, uidnext=1, highestmodseq=1)
    for uid in range(1, 4):
        snapshot.append(SnapshotEntry(uid, uid, Flags(), 1, 10, 0))
    view = Selected(snapshot, "INBOX", read_only=False, ledger=RecentLedger())
    gone = UidSet.of([2])
    snapshot.remove(gone)
    snapshot.advance(Change(2, expunged=gone))
    for modseq in range(3, 2 + CHANGES_KEPT):
        snapshot.advance(Change(modseq, flagged=UidSet.of([1])))
    snapshot.notify()
    assert view.exists == 3  # as long as the client has not been told
    assert view.take_updates(expunges=True).expunged == (2,)
