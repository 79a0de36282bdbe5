"""What FUZZY takes for a match, and how it is scored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.casemap import fold
from mailkeep_imap.searching.resembling import resembling, score, sought


def rated(wanted: str, text: str) -> int:
    return score(sought(fold(wanted)), fold(text))


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        ("weather report", "The Weather Report, again", 100),
        ("report weather", "the weather report", 90),
        ("wether", "the weather report", 60),
        ("weahter", "the weather report", 64),
        ("weath", "the weather report", 100),  # it stands there
        ("report weath", "the weather report", 73),  # as the beginning of a word
        ("cafe", "Le Caf\u00e9", 100),
        ("caf\u00e9", "le cafe", 100),
        ("abc", "abd", 0),  # too short for a slip
        ("abcd", "abce", 45),
        ("abcd", "abef", 0),
        ("blackberry", "blakcberyr", 54),
        ("blackberry", "blakcbeyrr", 0),  # three slips
        ("weather sun", "the weather report", 0),
        ("!!", "what!! now", 100),
        ("!!", "what now", 0),
        ("", "anything", 100),
    ],
)
def test_scores(wanted: str, text: str, expected: int) -> None:
    assert rated(wanted, text) == expected


TEXTS = st.text("ABCDE\u00c9\u0301 ,.-", max_size=30)


@given(TEXTS, TEXTS)
def test_a_text_that_matches_has_something_like_each_word(wanted: str, text: str) -> None:
    folded = fold(text)
    if score(sought(fold(wanted)), folded):
        for word in sought(fold(wanted)).words:
            assert resembling(word, folded.split())


@given(TEXTS, TEXTS)
def test_what_is_found_exactly_is_found_fuzzily_and_best(wanted: str, text: str) -> None:
    if fold(wanted) in fold(text):
        assert rated(wanted, text) == 100
    assert 0 <= rated(wanted, text) <= 100
