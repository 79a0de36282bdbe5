"""The arrays of a snapshot, without a store."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.model.flags import Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.snapshot import CHANGES_KEPT, Change, Snapshot, SnapshotEntry


def entry(uid: int, flags: Flags | None = None, modseq: int = 2) -> SnapshotEntry:
    return SnapshotEntry(uid, uid * 10, flags or Flags(), modseq, 100 + uid, 1_700_000_000 + uid)


def filled(*uids: int) -> Snapshot:
    snapshot = Snapshot(1, 7, 1, 2)
    for uid in uids:
        snapshot.append(entry(uid))
    return snapshot


def test_an_entry_goes_in_and_comes_out() -> None:
    snapshot = filled()
    given_entry = entry(5, Flags.parse(["\\Seen", "Work"]))
    snapshot.append(given_entry)
    assert snapshot.entry(5) == given_entry
    assert snapshot.entry(4) is None
    assert snapshot.uidnext == 6


def test_uids_only_grow() -> None:
    snapshot = filled(3)
    with pytest.raises(ValueError, match="grow"):
        snapshot.append(entry(3))


@example(set(range(1, 200)), set(range(1, 300, 2)))
@example(set(range(1, 200, 3)), set(range(4, 200, 4)))
@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_removing_is_the_difference_of_sets(present: set[int], gone: set[int]) -> None:
    snapshot = filled(*sorted(present))
    snapshot.remove(UidSet.of(gone))
    left = sorted(present - gone)
    assert list(snapshot.uids) == left
    assert list(snapshot.message_ids) == [uid * 10 for uid in left]
    assert [snapshot.entry_at(place) for place in range(len(snapshot))] == [entry(uid) for uid in left]


@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_places_of_a_set(present: set[int], asked: set[int]) -> None:
    snapshot = filled(*sorted(present))
    assert [snapshot.uids[place] for place in snapshot.indexes(UidSet.of(asked))] == sorted(present & asked)


def test_setting_flags() -> None:
    snapshot = filled(1, 2, 3)
    snapshot.set_flags_of(UidSet.parse("2:9"), 1, ("Work",), 5)
    snapshot.set_flags(1, Flags.parse(["\\Draft"]), 6)
    snapshot.set_flags(99, Flags.parse(["\\Draft"]), 6)
    assert [snapshot.flags_at(place).names() for place in range(3)] == [
        ("\\Draft",),
        ("\\Seen", "Work"),
        ("\\Seen", "Work"),
    ]
    assert list(snapshot.modseqs) == [6, 5, 5]


def test_more_sets_of_keywords_than_sixteen_bits_count() -> None:
    snapshot = Snapshot(1, 1, 1, 1)
    snapshot.load((uid, uid, 0, (f"k{uid}",), 1, 1, 1) for uid in range(1, 70_001))
    assert snapshot.flags_at(69_999).keywords == ("k70000",)
    assert snapshot.flags_at(0).keywords == ("k1",)


def test_changes_since() -> None:
    snapshot = filled(1)
    changes = [Change(modseq, appended=UidSet.of([modseq])) for modseq in range(3, 6)]
    for change in changes:
        snapshot.advance(change)
    assert snapshot.highestmodseq == 5
    assert snapshot.changes_since(2) == changes
    assert snapshot.changes_since(4) == changes[2:]
    assert snapshot.changes_since(5) == ()
    assert snapshot.changes_since(1) is None  # before the snapshot was made


def test_old_changes_are_forgotten() -> None:
    snapshot = filled()
    for modseq in range(3, 3 + CHANGES_KEPT + 10):
        snapshot.advance(Change(modseq))
    assert snapshot.changes_since(2) is None
    known = snapshot.changes_since(20)
    assert known is not None
    assert known[0].modseq == 21


def test_listeners() -> None:
    snapshot = filled()
    heard: list[str] = []
    stop = snapshot.listen(lambda: heard.append("one"))
    snapshot.listen(stop)
    snapshot.notify()
    snapshot.notify()
    assert heard == ["one"]


def test_replacing_records_the_difference() -> None:
    snapshot, fresh = filled(1, 2, 3), filled(2, 3, 5)
    fresh.set_flags(3, Flags.parse(["\\Seen"]), 9)
    fresh.highestmodseq = 9
    snapshot.replace(fresh)
    assert list(snapshot.uids) == [2, 3, 5]
    (difference,) = snapshot.changes_since(2) or ()
    assert difference == Change(9, UidSet.of([5]), UidSet.of([3]), UidSet.of([1]))
    snapshot.append(entry(6, Flags.parse(["new"])))
    assert snapshot.flags_at(3).keywords == ("new",)
