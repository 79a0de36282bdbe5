"""Message flags: five system flags as bits, keywords as words.

The bit layout is what the store keeps in one integer column. \\Recent is not here: it belongs to a
session, not to a message (RFC 3501 section 2.3.2), and RFC 9051 dropped it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntFlag

from mailkeep.errors import InvalidName

KEYWORD_LIMIT = 128  # octets in one keyword: longer than any registered one, short enough to list
KEYWORDS_PER_MESSAGE = 64

_KEYWORD = re.compile(r"[^\x00-\x20\x7f-\uffff(){%*\"\\\]]+\Z")  # RFC 3501 atom


class SystemFlag(IntFlag):
    """RFC 9051 section 2.3.2. The values are stored: never renumber."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


_SYSTEM_NAMES = {
    "\\seen": SystemFlag.SEEN,
    "\\answered": SystemFlag.ANSWERED,
    "\\flagged": SystemFlag.FLAGGED,
    "\\deleted": SystemFlag.DELETED,
    "\\draft": SystemFlag.DRAFT,
}
_SYSTEM_SPELLING = ((1, "\\Seen"), (2, "\\Answered"), (4, "\\Flagged"), (8, "\\Deleted"), (16, "\\Draft"))


_NO_SYSTEM_FLAGS = SystemFlag(0)


class FlagAction(Enum):
    """How STORE combines the given flags with those that a message has."""

    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class FlagMask:
    """Flags that a change may touch: these system flags, and keywords or not."""

    system: SystemFlag
    keywords: bool


EVERY_FLAG = FlagMask(SystemFlag(31), keywords=True)
NO_FLAG = FlagMask(SystemFlag(0), keywords=False)


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of flags. `keywords` are sorted without regard to case and unique in the same sense."""

    system: SystemFlag = _NO_SYSTEM_FLAGS
    keywords: tuple[str, ...] = ()

    @classmethod
    def parse(cls, names: Iterable[str]) -> Flags:
        """Flags from their wire names. \\Recent is ignored. Raises InvalidName for anything not a flag."""
        system = _NO_SYSTEM_FLAGS
        keywords: list[str] = []
        for name in names:
            if name.startswith("\\"):
                if name.lower() == "\\recent":
                    continue
                try:
                    system |= _SYSTEM_NAMES[name.lower()]
                except KeyError:
                    raise InvalidName(f"{name[:40]} is not a flag that can be kept.") from None
            elif _KEYWORD.match(name) and len(name) <= KEYWORD_LIMIT:
                keywords.append(name)
            else:
                raise InvalidName("A keyword is an atom of at most 128 characters.")
        return cls(system, normal_keywords(keywords) if keywords else ())

    def within(self, mask: FlagMask) -> Flags:
        """Those of them that the mask lets through."""
        if mask is EVERY_FLAG:
            return self
        return Flags(self.system & mask.system, self.keywords if mask.keywords else ())

    def replaced_within(self, mask: FlagMask, other: Flags) -> Flags:
        """These, with those that the mask names taken from `other`."""
        system = self.system & ~mask.system | other.system & mask.system
        return Flags(system, other.keywords if mask.keywords else self.keywords)

    def names(self) -> tuple[str, ...]:
        """Wire names, system flags first."""
        return tuple(name for bit, name in _SYSTEM_SPELLING if self.system & bit) + self.keywords

    def apply(self, action: FlagAction, other: Flags) -> Flags:
        """The flags that a message has after `action` with `other`. Existing spellings of keywords stay."""
        if action is FlagAction.SET:
            return other
        if action is FlagAction.ADD:
            return Flags(self.system | other.system, normal_keywords(self.keywords + other.keywords))
        gone = {word.casefold() for word in other.keywords}
        kept = tuple(word for word in self.keywords if word.casefold() not in gone)
        return Flags(self.system & ~other.system, kept)


NO_FLAGS = Flags()


def normal_keywords(words: Iterable[str]) -> tuple[str, ...]:
    """Sorted, unique without regard to case; the first spelling wins. Raises InvalidName past the limit."""
    unique: dict[str, str] = {}
    for word in words:
        unique.setdefault(word.casefold(), word)
    if len(unique) > KEYWORDS_PER_MESSAGE:
        raise InvalidName(f"A message holds at most {KEYWORDS_PER_MESSAGE} keywords.")
    return tuple(unique[folded] for folded in sorted(unique))
