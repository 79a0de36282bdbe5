"""The few things that the scanner asks of octets, for bytes, memory maps and views alike.

A spooled message is scanned as a memory map, so nothing here copies more than what is asked for. Searches
work through windows: CPython's own searches hold the interpreter lock for their whole length, and a message
of 50 MB must not stop the other threads for that long.
"""

from __future__ import annotations

import re
from functools import lru_cache
from mmap import mmap
from typing import TypeAlias

Octets: TypeAlias = bytes | bytearray | memoryview | mmap

WINDOW = 4 * 1024 * 1024  # octets searched before other threads get their turn


def piece(octets: Octets, start: int, end: int) -> bytes:
    """A copy of octets [start, end)."""
    return bytes(octets[start:end])


def find(octets: Octets, needle: bytes, start: int, end: int) -> int:
    """Offset of the first `needle` that lies wholly in [start, end), or -1."""
    if isinstance(octets, bytes) and end - start <= WINDOW:
        return octets.find(needle, start, end)
    overlap = len(needle) - 1
    while start + overlap < end:
        stop = min(start + WINDOW + overlap, end)
        found = _find_within(octets, needle, start, stop)
        if found >= 0:
            return found
        start = stop - overlap
    return -1


def count(octets: Octets, octet: bytes, start: int, end: int) -> int:
    """How often a single octet occurs in [start, end)."""
    if isinstance(octets, bytes) and end - start <= WINDOW:
        return octets.count(octet, start, end)
    return sum(bytes(octets[at : min(at + WINDOW, end)]).count(octet) for at in range(start, end, WINDOW))


def _find_within(octets: Octets, needle: bytes, start: int, end: int) -> int:
    if isinstance(octets, memoryview):
        match = _literal(needle).search(octets, start, end)
        return match.start() if match else -1
    return octets.find(needle, start, end)


@lru_cache(maxsize=64)
def _literal(needle: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(needle))
