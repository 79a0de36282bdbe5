"""Flags: parsing, spelling, combining."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.model.flags import (
    KEYWORD_LIMIT,
    KEYWORDS_PER_MESSAGE,
    NO_FLAGS,
    FlagAction,
    Flags,
    SystemFlag,
    normal_keywords,
)

words = st.sampled_from(["$Junk", "$junk", "Work", "WORK", "later"])
flag_sets = st.builds(
    Flags, st.integers(0, 31).map(SystemFlag), st.lists(words, max_size=4).map(normal_keywords)
)


def test_system_flags_are_known_in_any_case() -> None:
    assert Flags.parse(["\\SEEN", "\\deleted", "\\Answered"]).names() == ("\\Seen", "\\Answered", "\\Deleted")


def test_recent_belongs_to_a_session() -> None:
    """RFC 3501 section 2.3.2."""
    assert Flags.parse(["\\Recent"]) == NO_FLAGS


@pytest.mark.parametrize(
    "name", ["", "\\Other", "two words", "par(en", 'quo"te', "star*", "per%cent", "br]acket", "ü", "a\x00"]
)
def test_what_is_no_flag(name: str) -> None:
    with pytest.raises(InvalidName):
        Flags.parse([name])


def test_the_limits() -> None:
    assert Flags.parse(["x" * KEYWORD_LIMIT])
    with pytest.raises(InvalidName):
        Flags.parse(["x" * (KEYWORD_LIMIT + 1)])
    with pytest.raises(InvalidName):
        Flags.parse(f"k{number}" for number in range(KEYWORDS_PER_MESSAGE + 1))


def test_keywords_are_one_in_any_case_and_keep_their_first_spelling() -> None:
    flags = Flags.parse(["Work", "a"]).apply(FlagAction.ADD, Flags.parse(["WORK", "b"]))
    assert flags.keywords == ("a", "b", "Work")


@given(flag_sets, flag_sets)
def test_combining_behaves_as_sets_do(one: Flags, other: Flags) -> None:
    def folded(flags: Flags) -> set[str]:
        return {name.casefold() for name in flags.names()}

    assert folded(one.apply(FlagAction.ADD, other)) == folded(one) | folded(other)
    assert folded(one.apply(FlagAction.REMOVE, other)) == folded(one) - folded(other)
    assert one.apply(FlagAction.SET, other) == other


@given(flag_sets)
def test_names_read_back(flags: Flags) -> None:
    assert Flags.parse(flags.names()) == flags
