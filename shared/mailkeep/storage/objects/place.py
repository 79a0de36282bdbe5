"""Where the further chunks of one blob lie: one object, the zstandard frames one behind the other."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from mailkeep.errors import StoreCorrupt

RANDOM_OCTETS = 12
_MISFIT = "What is known of an object in the object store cannot be."


@dataclass(frozen=True, slots=True)
class Place:
    """`ends[n - 1]` is where chunk `n` ends, so the first chunk that lies there is number 1."""

    digest: bytes
    key: str
    ends: tuple[int, ...] = field(repr=False)

    @classmethod
    def unpack(cls, digest: bytes, key: str, ends: bytes) -> Place:
        """From its row. Raises StoreCorrupt."""
        if not ends or len(ends) % 4:
            raise StoreCorrupt(_MISFIT)
        return cls(bytes(digest), key, struct.unpack(f">{len(ends) // 4}I", ends))

    @classmethod
    def of(cls, digest: bytes, key: str, frames: Iterable[bytes]) -> Place:
        """For frames that will lie there."""
        return cls(digest, key, tuple(accumulate(map(len, frames))))

    @property
    def size(self) -> int:
        """Octets of the object."""
        return self.ends[-1]

    @property
    def last(self) -> int:
        """The number of the last chunk."""
        return len(self.ends)

    def packed_ends(self) -> bytes:
        """For its row: four octets each, the first first."""
        return struct.pack(f">{len(self.ends)}I", *self.ends)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The octets of these chunks. Raises StoreCorrupt if they are not there."""
        if not 0 < first <= last <= len(self.ends):
            raise StoreCorrupt("A chunk of stored content is missing.")
        return (self.ends[first - 2] if first > 1 else 0), self.ends[last - 1]

    def cut(self, octets: bytes, first: int, last: int) -> list[bytes]:
        """The frames of a span."""
        start, _ = self.span(first, last)
        edges = [start, *self.ends[first - 1 : last]]
        return [octets[a - start : b - start] for a, b in pairwise(edges)]


def new_key(prefix: str, digest: bytes) -> str:
    """A key that nobody had before: what is removed under one key cannot be what was uploaded since."""
    name = digest.hex()
    return f"{prefix}{name[:2]}/{name}-{os.urandom(RANDOM_OCTETS).hex()}"
