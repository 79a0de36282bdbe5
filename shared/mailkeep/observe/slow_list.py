"""The JSON of /slow: commands of late that took long, of one process or of several."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mailkeep.observe.timed import SLOW_LIMIT, Slow

_decoder = msgspec.json.Decoder(list[Slow])


def encode(slow: Iterable[Slow]) -> bytes:
    """The latest last."""
    return msgspec.json.encode(list(slow))


def decode(told: bytes) -> list[Slow]:
    """Raises ValueError if it is not such a list."""
    return _decoder.decode(told)


def merged(told: Iterable[bytes]) -> bytes:
    """Several lists as one."""
    every = sorted((one for text in told for one in decode(text)), key=lambda one: one.at)
    return encode(every[-SLOW_LIMIT:])
