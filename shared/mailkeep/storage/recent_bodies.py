"""Messages whose octets this process read lately, as they are sent.

A new message is read by one device after the other within minutes. Reading it again from the database and
decompressing it costs more than all the rest of sending it. Messages never change and ids never come back, so
nothing here is ever wrong; the oldest reading goes first, and large messages are not kept. Who may read a
message is for the caller to know, as it is for the database.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

KEPT_OCTETS = 16 * 1024 * 1024
LARGEST = 64 * 1024


class RecentBodies:
    """Octets by message id."""

    __slots__ = ("_kept", "_octets")

    def __init__(self) -> None:
        self._kept: OrderedDict[int, bytes] = OrderedDict()  # a dict looks for its first among all that went
        self._octets = 0

    def of(self, message_ids: Sequence[int]) -> list[tuple[int, bytes]] | None:
        """All of these, in their order; None if one is not here."""
        try:
            return list(zip(message_ids, map(self._kept.__getitem__, message_ids), strict=True))
        except KeyError:
            return None

    def keep(self, found: Iterable[tuple[int, bytes]]) -> None:
        """They were read. The same message twice is kept once."""
        for message_id, octets in found:
            if len(octets) <= LARGEST and message_id not in self._kept:
                self._kept[message_id] = octets
                self._octets += len(octets)
        while self._octets > KEPT_OCTETS:
            _, octets = self._kept.popitem(last=False)
            self._octets -= len(octets)
