"""Flags of two sides since they last agreed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.flags import Flags
from mailkeep.upstream.sync.merging import FlagChange, merge, names_of

NAMES = ["\\seen", "\\flagged", "\\answered", "\\deleted", "work", "later"]
flags = st.sets(st.sampled_from(NAMES)).map(lambda names: Flags.parse(sorted(names)))


def applied(side: Flags, change: FlagChange) -> frozenset[str]:
    return (names_of(side) | change.add) - change.remove


@given(flags, flags, flags)
def test_both_sides_agree_afterwards(base: Flags, here: Flags, there: Flags) -> None:
    merged = merge(base, here, there, "both")
    assert applied(here, merged.here) == applied(there, merged.there) == names_of(merged.base)


@given(flags, flags, flags)
def test_what_one_side_changed_is_what_both_have(base: Flags, here: Flags, there: Flags) -> None:
    after = names_of(merge(base, here, there, "both").base)
    for name in set(NAMES) - {"\\deleted"}:
        was, local, remote = (name in names_of(side) for side in (base, here, there))
        assert (name in after) is (local if local != was else remote)


@given(flags, flags, flags)
def test_a_second_look_finds_nothing_to_do(base: Flags, here: Flags, there: Flags) -> None:
    first = merge(base, here, there, "both")
    both = Flags.parse(sorted(applied(here, first.here)))
    again = merge(first.base, both, both, "both")
    assert not again.here
    assert not again.there


@given(flags, flags, flags)
def test_pull_changes_nothing_there_and_push_nothing_here(base: Flags, here: Flags, there: Flags) -> None:
    assert not merge(base, here, there, "pull").there
    assert not merge(base, here, there, "push").here
    neither = merge(base, here, there, "none")
    assert not neither.here
    assert not neither.there


@given(flags, flags)
def test_deleted_is_each_side_s_own(here: Flags, there: Flags) -> None:
    merged = merge(Flags(), here, there, "both")
    named = merged.here.add | merged.here.remove | merged.there.add | merged.there.remove
    assert "\\deleted" not in named


def test_a_keyword_s_spelling_is_no_change() -> None:
    merged = merge(Flags.parse(["Work"]), Flags.parse(["work"]), Flags.parse(["WORK"]), "both")
    assert not merged.here
    assert not merged.there
