"""The audit log's writer: rows gather in a bounded queue and are written in batches, off the request path.

It also forgets: rows name people and places, and are kept for so many days as the operator says. Every hour
each host takes the oldest away, a step after each batch, so that nobody who logs in waits behind more.

While the store is away rows wait; when the queue is full the newest are dropped, counted, logged, and the
next batch begins with a row that says how many are missing. A clean stop writes all.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta

from mailkeep.auth.periodic import PeriodicFlush
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Audit, AuditRecord

DEFAULT_DAYS = 180
QUEUE_LIMIT = 20_000
"""Rows that wait while the store is away; about 10 MiB."""

BATCH_LIMIT = 500
FLUSH_SECONDS = 0.5
PRUNE_STEP = 1000
PRUNE_SECONDS = 3600.0
TEXT_LIMIT = 320
"""Characters kept of what came from the wire, cut before it is stored."""

log = get_logger(__name__)


class AuditLog:
    """`record` never waits and never fails."""

    def __init__(self, audit: Audit, host: str, limit: int = QUEUE_LIMIT, days: int = DEFAULT_DAYS) -> None:
        self._audit = audit
        self._host = host
        self._limit = limit
        self._kept_for = timedelta(days=days)
        self._prune_at = 0.0
        self._rows: deque[AuditRecord] = deque()
        self._missing = 0
        self.dropped = 0  # since the process began, for metrics
        self._periodic = PeriodicFlush("audit", self.flush, FLUSH_SECONDS)

    def start(self) -> None:
        """Begin to write."""
        self._periodic.start()

    async def close(self) -> None:
        """Write what waits, and stop."""
        await self._periodic.close()

    def record(self, row: AuditRecord) -> None:
        """Keep one attempt for the next batch."""
        if len(self._rows) >= self._limit:
            if not self._missing:
                log.error("the audit queue is full; attempts are not recorded", limit=self._limit)
            self._missing += 1
            self.dropped += 1
            return
        self._rows.append(row)
        if len(self._rows) >= BATCH_LIMIT:
            self._periodic.hurry()

    async def flush(self) -> None:
        """Write all that waits. Raises StoreUnavailable; what was not written stays in the queue."""
        while self._rows or self._missing:
            missing = self._missing
            batch = [self._rows[place] for place in range(min(BATCH_LIMIT, len(self._rows)))]
            await self._audit.add(batch + ([self._gap(missing)] if missing else []))
            for _ in batch:
                self._rows.popleft()
            self._missing -= missing
        if time.monotonic() >= self._prune_at:
            await self._prune()

    async def _prune(self) -> None:
        """One step; the next one follows with the next batch until nothing is too old."""
        taken = await self._audit.prune(datetime.now(UTC) - self._kept_for, PRUNE_STEP)
        if taken < PRUNE_STEP:
            self._prune_at = time.monotonic() + PRUNE_SECONDS

    def _gap(self, missing: int) -> AuditRecord:
        return AuditRecord(
            at=datetime.now(UTC),
            host=self._host,
            mechanism="",
            address="",
            network="",
            outcome="failure",
            reason=f"{missing} attempts before this were not recorded",
        )


def printable(text: str) -> str:
    """Text from the wire as it may be stored and shown: cut, and with no control characters."""
    if len(text) <= TEXT_LIMIT and text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:TEXT_LIMIT])
