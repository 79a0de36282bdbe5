"""LOGIN-DELAY (RFC 2449 section 6.5): when users were let in last, so that none comes again too soon.

Counted in this process alone and in bounded memory: it keeps pollers at bay, and is no lock. Whoever has just
proven to be somebody is told the truth, so it is asked after authentication and never before.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from mailkeep.pop3.errors import LoggedInLately

ACCOUNTS_LIMIT = 100_000
"""Accounts remembered; beyond, the one that was let in longest ago is forgotten."""


class LastLogins:
    """`seconds` of 0 lets everybody in and remembers nothing. `clock` only moves forward."""

    def __init__(self, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._at: OrderedDict[int, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._at)

    def check(self, account_id: int) -> None:
        """Raises LoggedInLately."""
        last = self._at.get(account_id)
        if last is not None and self._clock() < last + self._seconds:
            raise LoggedInLately("The last login was a moment ago.")

    def note(self, account_id: int) -> None:
        """The account's maildrop was opened."""
        if not self._seconds:
            return
        self._at.pop(account_id, None)
        self._at[account_id] = self._clock()
        if len(self._at) > ACCOUNTS_LIMIT:
            self._at.popitem(last=False)
