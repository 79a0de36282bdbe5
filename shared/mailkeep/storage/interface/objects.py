"""Large content in an object store. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Moved:
    """What one run did."""

    blobs: int = 0  # whose further chunks changed their place
    octets: int = 0  # of these, as they are stored: compressed
    left: int = 0  # blobs that stayed: somebody was storing them, or they are damaged or too large
    removed: int = 0  # objects that nothing referred to any more


@dataclass(frozen=True, slots=True)
class ObjectUsage:
    """Where large content lies now."""

    in_database: int  # blobs with further chunks there
    due: int  # of these, how many are to be moved
    in_objects: int  # blobs whose further chunks lie in the object store
    octets: int  # of their objects
    leaving: int  # objects that will be removed, or are being uploaded


Told = Callable[[int], None]
"""Told of how many more blobs were looked at."""


class ObjectStorage(Protocol):
    """Moves the further chunks of blobs between the database and an object store, one process at a time (lock
    "objects"), a blob at a time, each in one transaction; reading goes on meanwhile, and so does writing.

    What was moved is in the database until the object was read again and compared. What nothing refers to is
    removed a day later. A crash leaves nothing that the next run does not find.
    """

    @property
    def is_set(self) -> bool:
        """True if the settings name an object store."""

    async def tend(self) -> Moved:
        """What a host does now and then: `move` if the settings say so, and remove objects that nothing
        refers to. Nothing where no object store is set. Raises InUse, StoreUnavailable."""

    async def move(self, *, in_a_hurry: bool = False, told: Told | None = None) -> Moved:
        """Take what is old enough there, and remove objects that nothing refers to. Without `in_a_hurry` it
        rests as long as it works. Raises InUse, SettingsError where none is set, StoreUnavailable."""

    async def bring_back(self, told: Told | None = None) -> Moved:
        """Take everything into the database again. Raises as `move`; StoreCorrupt for what is damaged, at the
        end: the rest is back then."""

    async def usage(self) -> ObjectUsage:
        """Counted now. Raises StoreUnavailable."""

    async def probe(self) -> None:
        """Write, read and remove an object. Raises SettingsError, StoreUnavailable, StoreCorrupt."""
