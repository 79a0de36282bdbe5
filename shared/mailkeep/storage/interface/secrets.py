"""Secrets that all hosts on a store share. Part of the store's contract."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """One secret a name, which never changes."""

    async def ensure(self, name: str) -> bytes:
        """The secret, made if there is none: 32 random octets, the same for everybody."""
