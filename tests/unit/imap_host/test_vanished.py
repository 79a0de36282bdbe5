"""Arithmetic of UID sets behind VANISHED (EARLIER)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.uids import UidSet
from mailkeep_imap.vanished import common, gaps

uids = st.sets(st.integers(1, 40))


@given(uids, uids)
def test_common(left: set[int], right: set[int]) -> None:
    assert common(UidSet.of(left), UidSet.of(right)) == UidSet.of(left & right)


@given(uids, st.integers(0, 50))
def test_gaps(present: set[int], highest: int) -> None:
    assert gaps(sorted(present), highest) == UidSet.of(set(range(1, highest + 1)) - present)
