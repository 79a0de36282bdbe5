"""How many calls to connected accounts may be under way at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from mailkeep.errors import Throttled

CALLS_LIMIT = 8  # of the process
ACCOUNT_CALLS_LIMIT = 2  # of one account: providers count connections too


class Places:
    """Those of one process. Who finds none free is told so at once, rather than kept waiting."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        """A place for a call. Raises Throttled."""
        if self._taken[account] >= ACCOUNT_CALLS_LIMIT or self._taken.total() >= CALLS_LIMIT:
            raise Throttled("Too many calls to connected accounts are under way; try again in a moment.")
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken[account] -= 1
            self._taken += Counter()  # drops what is at zero
