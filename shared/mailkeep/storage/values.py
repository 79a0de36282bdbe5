"""How values look in the tables: moments, text, ids, flags. The one place that converts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from mailkeep.model.flags import Flags, SystemFlag

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_48_BITS = (1 << 48) - 1


def moment(at: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment_or_none(at: datetime | None) -> int | None:
    """The same, for a column that may be null."""
    return None if at is None else moment(at)


def as_datetime(value: int) -> datetime:
    """The datetime in UTC of a stored moment."""
    return _EPOCH + timedelta(microseconds=value)


def as_datetime_or_none(value: int | None) -> datetime | None:
    """The same, from a column that may be null."""
    return None if value is None else as_datetime(value)


def now() -> int:
    """The present moment."""
    return time.time_ns() // 1000


def clean(text: str) -> str:
    """Text that both databases can hold: PostgreSQL has no NUL, and neither encodes a lone surrogate."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


def new_uuid() -> UUID:
    """A random UUID that sorts by its time (RFC 9562 section 5.7), to a quarter of a microsecond (section
    6.2, method 3): an index of them grows at its end, and their order is that in which they were made."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(milliseconds & _48_BITS) << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | chance)


def as_uuid(value: UUID | bytes) -> UUID:
    """A UUID as read: PostgreSQL gives a UUID, SQLite its 16 octets."""
    return UUID(bytes=value) if isinstance(value, bytes) else value


def as_uuid_or_none(value: UUID | bytes | None) -> UUID | None:
    """The same, from a column that may be null."""
    return None if value is None else as_uuid(value)


def words(values: Iterable[str]) -> str:
    """Words without spaces, as one text."""
    return " ".join(values)


def as_words(text: str) -> tuple[str, ...]:
    """The words of a text made by `words`."""
    return tuple(text.split(" ")) if text else ()


@lru_cache(maxsize=1024)
def as_flags(system: int, keywords: str) -> Flags:
    """Flags from their two columns. Remembered: rows have few different ones, and each costs microseconds."""
    return Flags(SystemFlag(system), as_words(keywords))
