"""UID sets: sorted ranges that behave as sets of numbers do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.uids import NO_UIDS, UID_MAX, UidSet

uids = st.sets(st.integers(1, 60))


@given(uids)
def test_a_set_holds_exactly_its_uids(members: set[int]) -> None:
    made = UidSet.of(members)
    assert list(made) == sorted(members)
    assert len(made) == len(members)
    assert bool(made) == bool(members)
    assert all((uid in made) == (uid in members) for uid in range(62))


@given(uids)
def test_its_text_form_reads_back(members: set[int]) -> None:
    made = UidSet.of(members)
    assert UidSet.parse(str(made)) == made


@given(uids, uids)
def test_union(left: set[int], right: set[int]) -> None:
    assert UidSet.of(left) | UidSet.of(right) == UidSet.of(left | right)


def test_touching_ranges_merge() -> None:
    assert UidSet.of_ranges([(4, 6), (1, 3), (8, 9)]).ranges == ((1, 6), (8, 9))
    assert str(UidSet.parse("8:9,1:3,4:6")) == "1:6,8:9"


def test_the_largest_uid() -> None:
    made = UidSet.of([UID_MAX])
    assert UID_MAX in made
    assert UID_MAX - 1 not in made
    assert "1" not in made


def test_the_empty_set() -> None:
    assert UidSet.parse("") == NO_UIDS
    assert not NO_UIDS
    assert str(NO_UIDS) == ""


@pytest.mark.parametrize("text", ["x", "1:", "1,,2", ":3"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        UidSet.parse(text)


@given(st.lists(st.integers(min_value=1, max_value=60)))
def test_single_uids_are_merged_as_ranges_are(uids: list[int]) -> None:
    assert UidSet.of(uids) == UidSet.of_ranges((uid, uid) for uid in uids)
    assert list(UidSet.of(iter(uids))) == sorted(set(uids))
