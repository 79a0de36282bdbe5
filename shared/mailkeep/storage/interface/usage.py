"""How busy a process's store is. Part of the store's contract, for those who watch it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """As of now, in this process. `in_use` of `limit` database connections work."""

    in_use: int
    limit: int
    waiting_operations: int
    waiting_octets: int
    snapshots: int
    snapshot_entries: int
    snapshot_octets: int
