"""The index of what messages say. Part of the store's contract.

It covers a mailbox up to some UID; what came later is not in it yet and has to be read. It knows neither
headers nor charsets: who searches and who adds must fold texts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Field(StrEnum):
    """The two texts of a message."""

    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Containing:
    """Of the messages up to `through`: those that hold what was sought, and those that perhaps do. All others
    do not. UIDs of messages that are gone may be among them."""

    through: int = 0
    certain: frozenset[int] = frozenset()
    possible: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class IndexedText:
    """The folded texts of one message; None for one that is too large to be indexed."""

    uid: int
    texts: tuple[str, str] | None = field(repr=False)  # in the order of Field


Choose = Callable[[Sequence[str]], Collection[int]]
"""Of folded texts without white space, the places of those that count."""


class Texts(Protocol):
    """See this module."""

    async def containing(self, mailbox_id: int, fields: Collection[Field], needle: str) -> Containing:
        """Look for a folded text in one of the fields. A needle without a word finds nothing out."""

    async def having(self, mailbox_id: int, fields: Collection[Field], choose: Choose) -> Containing:
        """Which messages have one of the words that `choose` names: all of them are only possible. A word is
        what lies between white space. It runs on a thread, once for each part of the index."""

    async def through(self, mailbox_id: int) -> int:
        """The UID up to which the mailbox is indexed."""

    async def compact(self, mailbox_id: int, present: Sequence[int], uidnext: int) -> bool:
        """Write a part of the index anew without messages that are gone, if it is worth that; to be called
        again while it is True, with a rest in between. `present` are all UIDs below `uidnext` that are in
        the mailbox; what the index has of later ones is left alone."""

    async def add(self, mailbox_id: int, after: int, through: int, texts: Sequence[IndexedText]) -> bool:
        """Index those messages of (after, through] that there are, in ascending order. False if the mailbox
        is gone, or `after` is no longer where its index ends."""
