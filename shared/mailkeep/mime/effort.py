"""How much a scan may look at before it is given up: so that an event loop can try.

What is counted is what costs time, in octets of header sections or what takes as long. Bodies count for
nothing: they are searched at several octets a nanosecond, and only for delimiters.
"""

from __future__ import annotations

import sys

ENTITY = 256
"""What an entity costs, as if it were octets of header."""

NO_DELIMITER = 64
"""What a line costs that begins like a delimiter and is none."""

BEYOND_ASCII = 4
"""What an octet costs in a section that is not in ASCII."""


class EffortSpent(Exception):
    """There is more to look at than was allowed."""


class Effort:
    """What is left of `limit`."""

    __slots__ = ("left",)

    def __init__(self, limit: int = sys.maxsize) -> None:
        self.left = limit

    def spend(self, amount: int) -> None:
        """Raises EffortSpent if that much is not left."""
        self.left -= amount
        if self.left < 0:
            raise EffortSpent

    def spend_on(self, header: bytes) -> None:
        """The same for an entity with this header section."""
        self.spend(ENTITY + len(header) * (1 if header.isascii() else BEYOND_ASCII))
