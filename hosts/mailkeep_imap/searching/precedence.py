"""Searches go before the index that is made behind them.

Both are Python, and whoever searches would wait for the interpreter as long as for the messages. So the index
is made a message at a time, and before each it lets searches end. It waits a moment at most: where somebody
searches all the time, the index is what they need.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_SECONDS = 0.05  # before one message


class Precedence:
    """`first` around a search, on the loop; `give_way` before a piece of work, in a thread."""

    __slots__ = ("_free", "_searches")

    def __init__(self) -> None:
        self._searches = 0
        self._free = threading.Event()
        self._free.set()

    @contextmanager
    def first(self) -> Iterator[None]:
        """A search is under way."""
        self._searches += 1
        self._free.clear()
        try:
            yield
        finally:
            self._searches -= 1
            if not self._searches:
                self._free.set()

    def give_way(self) -> None:
        """Return when no search is under way, or after LONGEST_SECONDS."""
        self._free.wait(LONGEST_SECONDS)
