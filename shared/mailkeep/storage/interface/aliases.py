"""Addresses whose mail goes to others. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailkeep.model.address import Address
from mailkeep.model.directory import Alias


class Aliases(Protocol):
    """Aliases of hosted domains, to any addresses. An address that a user has claimed is theirs first: an
    alias of that name rests meanwhile."""

    async def add(self, alias: Address, targets: Sequence[Address]) -> Alias:
        """Have mail for `alias` go to these as well. Those that it goes to already change nothing.

        Raises NotFound if the alias's domain is not hosted, InUse if a user has the address, LimitExceeded if
        there are too many targets.
        """

    async def remove(self, alias: Address, targets: Sequence[Address] = ()) -> None:
        """Take these targets from it, or all of it without any. Raises NotFound."""

    async def list(self) -> Sequence[Alias]:
        """All aliases by address."""
