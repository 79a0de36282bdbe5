"""Values of messages as they go to the wire, remembered for the next FETCH that asks for them.

A message never changes and its id never comes back, so what was read and put together once is right for
as long as anybody has the message in a mailbox: nothing here can be stale, only absent. Memory is bounded
for the whole process. What is remembered lies in two generations: when the younger has filled its half, the
older goes, and what is still asked for moves over; so a look-up moves nothing and costs a dictionary's.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

OVERHEAD = 150  # octets that Python needs for an entry besides the value's own
LARGEST = 16 * 1024  # octets of a value that is worth remembering

Values = dict[int, bytes]


class ReadyValues:
    """Values by kind and message id. A kind is what a value is of a message: an attribute or a section."""

    __slots__ = ("_half", "_octets", "_older", "_younger")

    def __init__(self, limit: int) -> None:
        self._half = limit // 2  # octets
        self._octets = 0  # in the younger generation
        self._younger: dict[Hashable, Values] = {}
        self._older: dict[Hashable, Values] = {}

    def known(self, kinds: Sequence[Hashable], message_ids: Sequence[int]) -> list[list[bytes]]:
        """A list of values a kind, for as many of the first ids as have all of them."""
        found = [self._values(kind, message_ids) for kind in kinds]
        count = min((_leading(values) for values in found), default=0)
        return [values[:count] for values in found]  # type: ignore[misc]  # none of these is None

    def remember(self, kind: Hashable, message_ids: Sequence[int], values: Sequence[bytes]) -> None:
        """Keep values, one a message."""
        if max(map(len, values), default=0) > LARGEST:
            pairs = [
                (id, value) for id, value in zip(message_ids, values, strict=True) if len(value) <= LARGEST
            ]
        else:
            pairs = list(zip(message_ids, values, strict=True))
        self._keep(kind, pairs)

    def _values(self, kind: Hashable, message_ids: Iterable[int]) -> list[bytes | None]:
        values = list(map(self._younger.get(kind, {}).get, message_ids))
        older = self._older.get(kind)
        if older and not all(values):  # no value is empty
            moved = [
                (id, older[id])
                for id, value in zip(message_ids, values, strict=True)
                if not value and id in older
            ]
            values = [value or older.get(id) for id, value in zip(message_ids, values, strict=True)]
            self._keep(kind, moved)
        return values

    def _keep(self, kind: Hashable, pairs: Sequence[tuple[int, bytes]]) -> None:
        self._younger.setdefault(kind, {}).update(pairs)
        self._octets += sum(len(value) for _, value in pairs) + OVERHEAD * len(pairs)
        if self._octets > self._half:
            self._older, self._younger, self._octets = self._younger, {}, 0


def _leading(values: list[bytes | None]) -> int:
    """How many there are before the first None."""
    return values.index(None) if not all(values) and None in values else len(values)
