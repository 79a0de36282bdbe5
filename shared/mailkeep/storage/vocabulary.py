"""Which of many texts may hold a piece of text: by the words that they are made of, exactly.

A word is what lies between white space. A needle without white space is in a text if and only if it is in
one of its words, so that looking through the vocabulary, which is far smaller than the texts, gives the
answer. A needle of several words has whole words inside, the end of one in front and the beginning of one
behind: that every text which holds it must have, and what has all of it is read to be sure. Languages
that write no spaces have long words, and the vocabulary is then as long as their text: slower, never wrong.

No database and no waiting here. Callers decide how texts are folded; both sides must be folded alike.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

ORDINALS_LIMIT = 65_535  # texts of one vocabulary: what an array of "H" counts to

_END = b"\n"  # white space, so no word holds it


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`words` are joined by line ends, with one before the first and one behind the last. The word at place n
    is in the texts `ordinals[starts[n]:starts[n + 1]]`, numbered from 0."""

    words: bytes
    starts: array[int]  # "I"
    ordinals: array[int]  # "H"

    @property
    def weight(self) -> int:
        """Octets in memory."""
        return len(self.words) + 4 * len(self.starts) + 2 * len(self.ordinals)

    def texts_with(self, needle: str) -> set[int]:
        """Ordinals of all texts that hold the needle, and, if it is of several words, perhaps of others.
        It must hold a word."""
        found: set[int] | None = None
        for pattern in sorted(_patterns(needle), key=len, reverse=True):
            matching = self._texts_matching(pattern)
            found = matching if found is None else found & matching
            if not found:
                return set()
        assert found is not None
        return found

    def words_in_order(self) -> list[str]:
        """All words, by place."""
        return self.words[1:-1].decode("utf-8", "surrogatepass").split("\n") if self.words else []

    def texts_at(self, places: Iterable[int]) -> set[int]:
        """Ordinals of the texts that have one of the words at these places."""
        found: set[int] = set()
        for place in places:
            found.update(self.ordinals[self.starts[place] : self.starts[place + 1]])
        return found

    def _texts_matching(self, pattern: bytes) -> set[int]:
        return self.texts_at(self._places(pattern))

    def _places(self, pattern: bytes) -> Iterator[int]:
        """Places of the words that match."""
        words, place, counted = self.words, -1, 0
        at = words.find(pattern)
        while at >= 0:
            place += words.count(_END, counted, at + 1)
            counted = at + 1
            yield place
            at = words.find(pattern, words.find(_END, at + 1))


def _patterns(needle: str) -> Iterator[bytes]:
    pieces = needle.split()
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        opens = number > 0 or needle[0].isspace()
        closes = number < last or needle[-1].isspace()
        yield (_END if opens else b"") + _octets(piece) + (_END if closes else b"")


def is_one_word(needle: str) -> bool:
    """True if `texts_with` names no text that does not hold the needle."""
    return needle.split() == [needle]


class Builder:
    """Takes texts one after the other."""

    __slots__ = ("_count", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, list[int]] = {}
        self._count = 0

    def add(self, text: str) -> None:
        """The next text."""
        for word in set(text.split()):
            self._texts.setdefault(word, []).append(self._count)
        self._count += 1

    def vocabulary(self) -> Vocabulary:
        """Of all texts so far."""
        return _made((_octets(word), ordinals) for word, ordinals in self._texts.items())


def without(vocabulary: Vocabulary, gone: Collection[int], count: int) -> Vocabulary:
    """The vocabulary of what is left of `count` texts, numbered anew in their order."""
    numbers = array("i", [-1]) * count
    for number, ordinal in enumerate(ordinal for ordinal in range(count) if ordinal not in gone):
        numbers[ordinal] = number
    words = vocabulary.words[1:-1].split(_END) if vocabulary.words else []
    return _made(
        (word, left)
        for word, start, end in zip(words, vocabulary.starts, vocabulary.starts[1:], strict=False)
        if (left := [numbers[at] for at in vocabulary.ordinals[start:end] if numbers[at] >= 0])
    )


def merged(parts: Sequence[tuple[Vocabulary, int]]) -> Vocabulary:
    """One vocabulary of several, each with how many texts it is of; their texts are numbered through."""
    found: dict[bytes, list[int]] = {}
    base = 0
    for part, count in parts:
        ordinals = [ordinal + base for ordinal in part.ordinals]
        words = part.words[1:-1].split(_END) if part.words else []
        for word, start, end in zip(words, part.starts, part.starts[1:], strict=False):
            found.setdefault(word, []).extend(ordinals[start:end])
        base += count
    return _made(found.items())


def _made(words: Iterable[tuple[bytes, list[int]]]) -> Vocabulary:
    ordered = list(words)
    if not ordered:
        return Vocabulary(b"", array("I", [0]), array("H"))
    starts, ordinals = array("I", [0]), array("H")
    for _, numbers in ordered:
        ordinals.extend(numbers)
        starts.append(len(ordinals))
    return Vocabulary(b"\n" + b"\n".join(word for word, _ in ordered) + b"\n", starts, ordinals)


def _octets(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
