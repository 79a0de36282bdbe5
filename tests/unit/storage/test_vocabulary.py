"""Which texts may hold a needle, by their words: never one too few, and none too many for a single word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.storage.vocabulary import Builder, Vocabulary, is_one_word, merged, without

LETTERS = "ab c\n\t\u00e9\u3000\ud800"

texts = st.lists(st.text(LETTERS, max_size=12), max_size=8)
needles = st.text(LETTERS, min_size=1, max_size=5).filter(lambda needle: bool(needle.split()))


def vocabulary_of(texts: list[str]) -> Vocabulary:
    builder = Builder()
    for text in texts:
        builder.add(text)
    return builder.vocabulary()


def check(vocabulary: Vocabulary, texts: list[str], needle: str) -> None:
    holding = {ordinal for ordinal, text in enumerate(texts) if needle in text}
    found = vocabulary.texts_with(needle)
    assert found == holding if is_one_word(needle) else found >= holding


@given(texts, needles)
def test_texts_with_a_needle_are_found(texts: list[str], needle: str) -> None:
    check(vocabulary_of(texts), texts, needle)


@given(st.lists(texts, max_size=4), needles)
def test_merging_changes_nothing(parts: list[list[str]], needle: str) -> None:
    joined = merged([(vocabulary_of(part), len(part)) for part in parts])
    check(joined, [text for part in parts for text in part], needle)


@given(texts, st.sets(st.integers(0, 9)), needles)
def test_what_is_left_is_as_if_the_rest_had_never_been(texts: list[str], gone: set[int], needle: str) -> None:
    left = [text for ordinal, text in enumerate(texts) if ordinal not in gone]
    thinned = without(vocabulary_of(texts), gone, len(texts))
    check(thinned, left, needle)
    assert sorted(thinned.words_in_order()) == sorted(vocabulary_of(left).words_in_order())


def test_several_words_ask_for_whole_words_between_an_end_and_a_beginning() -> None:
    vocabulary = vocabulary_of(["these lines hold it", "lines hold", "the lined hole", "es line holdings"])
    assert vocabulary.texts_with("se lines hol") == {0}
    assert vocabulary.texts_with("lines hold") == {0, 1}
    assert vocabulary.texts_with(" hold") == {0, 1, 3}
    assert vocabulary.texts_with("hold ") == {0, 1}
    assert vocabulary.texts_with("e") == {0, 1, 2, 3}
    assert vocabulary.texts_with("nowhere") == set()
