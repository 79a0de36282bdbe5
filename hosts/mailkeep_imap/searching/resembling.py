"""What FUZZY takes for a match, and how good a match it is (RFC 6203 section 3 leaves that to the server).

A text that holds what was sought as it stands is a whole match. Otherwise each word that was sought must be
in the text, in any order: itself, as the beginning of a longer word, or with a slip or two in it (a letter
missing, added, replaced, or two exchanged). Accents do not count. There is no stemming and no thesaurus: both
belong to a language, and a mailbox has many.

Pure functions on folded texts; the caller decides on which thread they run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract_iter

WHOLE = 100  # the highest score (RFC 6203 section 4)
SCATTERED = 90  # all words are there as they were written, but not together
BEGINNING = 3  # letters; what is shorter begins too many words

_WORD = re.compile(r"\w+")
_ACCENTS = re.compile("[\u0300-\u036f]+")  # folding has decomposed them


@dataclass(frozen=True, slots=True)
class Sought:
    """A text in the form in which it is compared, and its words."""

    text: str
    words: tuple[str, ...]


def sought(folded: str) -> Sought:
    """What to look for. Without a word in it, only the text as it stands can be found."""
    text = _bare(folded)
    return Sought(text, tuple(dict.fromkeys(_WORD.findall(text))))


def score(wanted: Sought, folded: str) -> int:
    """From 1 to 100 how well a text matches, 0 if it does not."""
    text = _bare(folded)
    if wanted.text in text:
        return WHOLE
    if not wanted.words:
        return 0
    words = set(_WORD.findall(text))
    total = 0
    for word in wanted.words:
        likeness = _likeness(word, words)
        if likeness == 0:
            return 0
        total += likeness
    return max(1, total * SCATTERED // (WHOLE * len(wanted.words)))


def resembling(word: str, vocabulary: Sequence[str]) -> set[int]:
    """Places of what may resemble a sought word, among folded texts without white space."""
    found, pieces, places = set[int](), list[str](), list[int]()
    for place, written in enumerate(vocabulary):
        bare = _bare(written)
        if word in bare:
            found.add(place)
        else:
            for piece in _WORD.findall(bare):
                pieces.append(piece)
                places.append(place)
    found.update(places[at] for _, at in _slips(word, pieces))
    return found


def _likeness(word: str, words: Collection[str]) -> int:
    if word in words:
        return WHOLE
    best = 0
    if len(word) >= BEGINNING:
        longer = (len(other) for other in words if other.startswith(word))
        best = max((SCATTERED * len(word) // length for length in longer), default=0)
    slips = min((distance for distance, _ in _slips(word, words)), default=0)
    return max(best, WHOLE - 2 * WHOLE * slips // len(word)) if slips else best


def _slips(word: str, others: Iterable[str]) -> Iterable[tuple[int, int]]:
    """(slips, place) of those that are the word but for slips that a word of its length is forgiven."""
    forgiven = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    if not forgiven:
        return ()
    near = extract_iter(word, others, scorer=OSA.distance, processor=None, score_cutoff=forgiven)
    return ((int(distance), at) for _, distance, at in near)


def _bare(folded: str) -> str:
    return folded if folded.isascii() else _ACCENTS.sub("", folded)
