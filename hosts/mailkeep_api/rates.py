"""How often a caller may ask: a bucket for each caller and class of route, refilled evenly.

A caller is a user, however many keys they have. A full bucket holds a minute's requests; the answer to one
too many says when the next is welcome. Counted in this process alone, in bounded memory: of more callers
than are remembered, the one who was silent longest is forgotten, with a full bucket.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from enum import Enum
from uuid import UUID

from mailkeep.errors import Throttled

CALLERS_LIMIT = 50_000  # remembered of each class
MINUTE = 60.0


class RateClass(Enum):
    """The contract's classes, with the requests that each allows in a minute."""

    PLAIN = 600  # routes that the contract leaves without a rate: each label set is a request
    API = 100
    WRITE = 30
    AUTH = 10


class TooManyRequests(Throttled):
    """The caller's bucket is empty; `retry_after` whole seconds from now it holds one request."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests; the next is welcome in {retry_after} seconds.")
        self.retry_after = retry_after


class Rates:
    """The buckets of one process. What is kept of each is the moment at which it is full again."""

    def __init__(self) -> None:
        self._full_at: dict[RateClass, OrderedDict[UUID, float]] = {kind: OrderedDict() for kind in RateClass}

    def take(self, kind: RateClass, caller: UUID, now: float) -> None:
        """Take one request out of the bucket; `now` is seconds of any clock that only grows.

        Raises TooManyRequests, and then takes nothing.
        """
        buckets = self._full_at[kind]
        each = MINUTE / kind.value
        full_at = max(buckets.pop(caller, now), now) + each
        over = full_at - now - MINUTE
        refused = over > each * 1e-6  # sums of fractions are not exact
        buckets[caller] = full_at - each if refused else full_at
        if len(buckets) > CALLERS_LIMIT:
            buckets.popitem(last=False)
        if refused:
            raise TooManyRequests(max(1, math.ceil(over)))
