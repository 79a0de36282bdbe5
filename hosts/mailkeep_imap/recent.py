"""Which messages are \\Recent: told to one session of this process and to no other (RFC 3501 section 2.3.2).

The flag belongs to the first session that is notified of a message, and RFC 9051 dropped it. It is kept
here for one process: a ledger of the UID up to which some session has been told. A mailbox that the
ledger does not know (a fresh process, or one that fell out of it) counts as never told, because "if it is
not possible to determine whether or not this session is the first [...], then that message SHOULD be
considered recent". Nothing is stored, so several processes may each call a message recent once.
"""

from __future__ import annotations

from collections import OrderedDict

LEDGER_LIMIT = 100_000  # mailboxes remembered, about 120 octets each


class RecentLedger:
    """Remembers for each mailbox id the lowest UID that no session of this process was told of."""

    __slots__ = ("_limit", "_untold")

    def __init__(self, limit: int = LEDGER_LIMIT) -> None:
        self._untold: OrderedDict[int, int] = OrderedDict()
        self._limit = limit

    def untold(self, mailbox_id: int) -> int:
        """The lowest UID that nobody was told of. EXAMINE and STATUS look without claiming."""
        return self._untold.get(mailbox_id, 1)

    def claim(self, mailbox_id: int, uidnext: int) -> int:
        """Tell a session of all UIDs below `uidnext`; those from the returned UID on are its recent ones."""
        first = self.untold(mailbox_id)
        self._untold[mailbox_id] = max(first, uidnext)
        self._untold.move_to_end(mailbox_id)
        if len(self._untold) > self._limit:
            self._untold.popitem(last=False)
        return min(first, uidnext)
