"""What somebody may do in a mailbox (RFC 4314): a set of one-letter rights.

The obsolete rights `c` and `d` of RFC 2086 are taken as what they stood for and shown to those who look for
them (section 2.1.1); they are never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NewType

from mailkeep.errors import InvalidName
from mailkeep.model.flags import EVERY_FLAG, FlagMask, SystemFlag

Rights = NewType("Rights", frozenset[str])

LOOKUP = "l"
READ = "r"
SEEN = "s"
WRITE = "w"
INSERT = "i"
POST = "p"
CREATE = "k"
DELETE_MAILBOX = "x"
DELETE_MESSAGES = "t"
EXPUNGE = "e"
ADMINISTER = "a"

ORDER = "lrswipkxtea"
"""Section 2.1, in the order of showing. `p` is kept for whoever looks at it: nothing here posts."""

ALL = Rights(frozenset(ORDER))
NONE = Rights(frozenset())
ANYONE = "anyone"  # section 2: here, every user of the owner's domains

_OBSOLETE = {"c": "kx", "d": "te"}
_NO_FLAGS = SystemFlag(0)


class RightsAction(Enum):
    """How SETACL combines rights with those that are there (section 3.1)."""

    SET = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class RightsChange:
    """One modification of one identifier's rights."""

    action: RightsAction
    rights: Rights

    def apply(self, before: Rights) -> Rights:
        """The rights afterwards."""
        if self.action is RightsAction.SET:
            return self.rights
        after = before | self.rights if self.action is RightsAction.ADD else before - self.rights
        return Rights(after)


def parse_rights(text: str) -> Rights:
    """Rights from their letters. Raises InvalidName for one that is none (section 3.1: never ignored)."""
    letters = "".join(_OBSOLETE.get(letter, letter) for letter in text)
    if not set(letters) <= ALL:
        raise InvalidName("There is no such right.")
    return Rights(frozenset(letters))


def rights_text(rights: Rights) -> str:
    """Letters in their order, as stored."""
    return "".join(letter for letter in ORDER if letter in rights)


def shown_rights(rights: Rights) -> str:
    """The same with the obsolete rights that a client of RFC 2086 looks for."""
    obsolete = (letter for letter, members in _OBSOLETE.items() if not rights.isdisjoint(members))
    return rights_text(rights) + "".join(obsolete)


@lru_cache(maxsize=64)  # of rights there are few, and asked is for each message that comes
def changeable_flags(rights: Rights) -> FlagMask:
    """The flags that these rights let somebody set and clear (section 4, STORE)."""
    system = SystemFlag.SEEN if SEEN in rights else _NO_FLAGS
    if DELETE_MESSAGES in rights:
        system |= SystemFlag.DELETED
    if WRITE in rights:
        system |= SystemFlag.ANSWERED | SystemFlag.FLAGGED | SystemFlag.DRAFT
    mask = FlagMask(system, WRITE in rights)
    return EVERY_FLAG if mask == EVERY_FLAG else mask
