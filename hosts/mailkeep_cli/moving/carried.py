"""One message between a file and a mailbox, and what the formats have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mailkeep.errors import InvalidName
from mailkeep.model.flags import NO_FLAGS, Flags


@dataclass(frozen=True, slots=True)
class Carried:
    """`mailbox` is a name below the one that mail goes to, "" for that itself. `octets` has CRLF line ends.
    `weight` is how much of the source it was, for the progress. `place` names it to people."""

    mailbox: str
    octets: bytes = field(repr=False)
    place: str
    weight: int
    received_at: datetime | None = None
    flags: Flags = NO_FLAGS


class Source(Protocol):
    """Where messages come from. It can be read again, and gives them in the same order."""

    @property
    def weight(self) -> int:
        """The sum of all weights, about."""

    def messages(self, limit: int) -> Iterator[Carried | TooLarge]:
        """All of them; of those that are larger than `limit` octets only where they are. Raises OSError."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A message that no mailbox takes."""

    place: str
    weight: int


def with_crlf(octets: bytes) -> bytes:
    """Lines as they are on the wire (RFC 5322 section 2.1)."""
    # Two passes in C: a pattern that finds both kinds of line end took longer than all else of an import.
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def flags_of(names: Iterator[str] | list[str]) -> Flags:
    """Those of the names that are flags."""
    kept = []
    for name in names:
        try:
            Flags.parse([name])
        except InvalidName:
            continue
        kept.append(name)
    return Flags.parse(kept)
