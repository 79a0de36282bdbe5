"""How much a measurement does: so many, or as many as fit into some seconds."""

from __future__ import annotations

import time


class Supply:
    """Numbers 0, 1, 2, ... for all workers together, until `count` are taken or the seconds are over."""

    def __init__(self, count: int, seconds: float = float("inf")) -> None:
        self._count = count
        self._taken = 0
        self._ends = time.perf_counter() + seconds

    def __iter__(self) -> Supply:
        return self

    def __next__(self) -> int:
        if self._taken >= self._count or time.perf_counter() >= self._ends:
            raise StopIteration
        self._taken += 1
        return self._taken - 1
