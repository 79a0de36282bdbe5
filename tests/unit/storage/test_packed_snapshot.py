"""A snapshot as octets comes back as it was, and octets that are anything else are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.errors import StoreCorrupt
from mailkeep.model.flags import NO_FLAGS, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage import packed_snapshot
from mailkeep.storage.packed_snapshot import UNPACKED_LIMIT, Copied, pack, unpack
from mailkeep.storage.snapshot import COLUMNS, Snapshot

keywords = st.sampled_from([(), ("$Junk",), ("$Junk", "work"), ("ä",)])
entries = st.tuples(
    st.integers(0, 2**64 - 1),
    st.integers(0, 255),
    keywords,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(-(2**63), 2**63 - 1),
)
small = st.tuples(
    st.integers(0, 300), st.integers(0, 31), keywords, st.integers(0, 9), st.integers(0, 9), st.just(0)
)


def filled(rows: list[Any], first_uid: int = 1) -> Snapshot:
    snapshot = Snapshot(3, 7, 0, 99)
    snapshot.load((first_uid + place, *row) for place, row in enumerate(rows))
    return snapshot


def everything(snapshot: Snapshot) -> list[Any]:
    return [snapshot.entry_at(place) for place in range(len(snapshot))]


def packed(snapshot: Snapshot) -> bytes:
    octets = pack(Copied.of(snapshot))
    assert octets is not None
    return octets


@given(st.lists(entries | small, max_size=40), st.sampled_from([1, 250, 2**32 - 41]))
def test_it_comes_back_as_it_was(rows: list[Any], first_uid: int) -> None:
    before = filled(rows, first_uid)
    after = unpack(packed(before), 3, 7, 99)
    assert everything(after) == everything(before)
    assert [column.typecode for column in after.columns()] == [column.typecode for column in before.columns()]
    assert len(after.columns()) == len(COLUMNS)
    assert (after.mailbox_id, after.uidvalidity, after.highestmodseq) == (3, 7, 99)
    assert after.changes_since(98) is None


def test_it_moves_on_as_any_other() -> None:
    after = unpack(packed(filled([(5, 0, ("work",), 1, 1, 1)])), 3, 7, 99)
    after.load([(9, 6, 0, ("work",), 2, 2, 2), (10, 6, 0, ("new",), 2, 2, 2)])
    assert [after.flags_at(place).keywords for place in range(3)] == [("work",), ("work",), ("new",)]
    assert after.keyword_sets == [(), ("work",), ("new",)]


def test_keywords_that_nobody_has_any_more_are_left_behind() -> None:
    before = filled([(5, 0, ("gone",), 1, 1, 1), (6, 0, ("kept",), 1, 1, 1)])
    before.set_flags(1, before.flags_at(1), 100)
    assert unpack(packed(before), 3, 7, before.highestmodseq).keyword_sets == [(), ("kept",)]
    assert before.keyword_sets == [(), ("gone",), ("kept",)]


def test_what_is_being_packed_stays_when_the_snapshot_moves() -> None:
    before = filled([(5, 0, (), 1, 1, 1), (6, 0, (), 1, 1, 1)])
    copied = Copied.of(before)
    before.set_flags(1, Flags.parse(["\\Seen", "new"]), 100)
    before.remove(UidSet.of([2]))
    octets = pack(copied)
    assert octets is not None
    after = unpack(octets, 3, 7, 99)
    assert list(after.uids) == [1, 2]
    assert after.flags_at(0) == NO_FLAGS


@pytest.mark.parametrize("names", [(4, 7, 99), (3, 8, 99), (3, 7, 98)])
def test_it_is_taken_for_nothing_else(names: tuple[int, int, int]) -> None:
    with pytest.raises(StoreCorrupt):
        unpack(packed(filled([(5, 0, (), 1, 1, 1)])), *names)


@given(st.data())
def test_a_bit_that_flips_or_an_end_that_is_missing_changes_no_entry(data: st.DataObject) -> None:
    before = filled([(2**40 + place, place % 32, (), place, 4000 + place, -place) for place in range(50)])
    octets = packed(before)
    at = data.draw(st.integers(0, len(octets) - 1))
    flipped = bytearray(octets)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(flipped), octets[:at]):
        try:
            after = unpack(damaged, 3, 7, 99)
        except StoreCorrupt:
            continue
        assert everything(after) == everything(before)  # a flag of the frame that means nothing here


@given(st.binary(max_size=200))
def test_any_octets_are_refused(octets: bytes) -> None:
    for made in (octets, zstandard.ZstdCompressor().compress(octets)):
        with pytest.raises(StoreCorrupt):
            unpack(made, 3, 7, 99)


@example([0] * 7, 2**40, b"")
@given(st.lists(st.integers(-3, 20), min_size=0, max_size=9), st.integers(-3, 2**40), st.binary(max_size=50))
def test_a_head_that_lies_is_refused(widths: list[int], count: int, planes: bytes) -> None:
    head = msgspec.msgpack.encode([3, 7, 99, count, widths, [[]]])
    octets = len(head).to_bytes(4, "big") + head + planes
    try:
        after = unpack(zstandard.ZstdCompressor().compress(octets), 3, 7, 99)
    except StoreCorrupt:
        return
    assert len({len(column) for column in after.columns()}) == 1


def test_a_frame_that_claims_to_be_large_is_not_believed() -> None:
    octets = zstandard.ZstdCompressor().compress(bytes(UNPACKED_LIMIT + 1))
    with pytest.raises(StoreCorrupt):
        unpack(octets, 3, 7, 99)


def test_what_could_not_be_read_again_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_snapshot, "UNPACKED_LIMIT", 100)
    assert pack(Copied.of(filled([(5, 0, ("k" * 200,), 1, 1, 1)]))) is None
