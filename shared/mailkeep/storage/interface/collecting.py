"""Removing what nothing refers to any more. Part of the store's contract."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol

GRACE = timedelta(hours=3)
"""What is younger stays, whoever refers to it or not. Three times the hour at which a blob that is used again
says so (see Collector), for clocks that do not agree."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one collection removed."""

    expired: int = 0  # messages of unclaimed addresses that were kept long enough
    accounts: int = 0  # unclaimed addresses without mail
    messages: int = 0
    blobs: int = 0
    octets: int = 0  # of the blobs, before compression
    changes: int = 0  # rows of the change log

    def __add__(self, other: Collected) -> Collected:
        return Collected(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class Collector(Protocol):
    """Works in small transactions, one process at a time, and waits as long as it works: whoever reads or
    writes mail meanwhile meets a short one now and then.

    A blob is safe that any process is about to refer to: whoever stores one writes its row or, within the
    hour after somebody did, holds it; and what is held, or was touched within the grace, is left alone. Each
    step is a transaction, and the next run begins anew, so a crash leaves nothing to be mended.
    """

    async def collect(
        self,
        *,
        unclaimed_before: datetime | None = None,
        grace: timedelta = GRACE,
        in_a_hurry: bool = False,
    ) -> Collected:
        """One run over the whole store. With `unclaimed_before`, mail that came earlier for addresses that
        nobody has claimed goes too, and such addresses that have none left. `in_a_hurry` does not wait.
        Raises InUse if another process is at it, StoreUnavailable."""
