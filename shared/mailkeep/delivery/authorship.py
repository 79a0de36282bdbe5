"""Whose address a sender may write as: their own, and with a key that the settings name, a whole domain's.

One rule for all who take mail from users, over SMTP or the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.principal import Principal
from mailkeep.storage.interface import Directory

NOBODY: Mapping[UUID, frozenset[str]] = MappingProxyType({})


class Authorship:
    """`send_as` has the domains of a key by its id: see `settings_submission`."""

    def __init__(self, directory: Directory, send_as: Mapping[UUID, frozenset[str]] = NOBODY) -> None:
        self._directory = directory
        self._send_as = send_as

    async def may(self, principal: Principal | None, address: Address) -> bool:
        """Whether they may. Raises StoreUnavailable."""
        if principal is None:
            return False
        if principal.key_id is not None and address.domain in self._send_as.get(principal.key_id, ()):
            return True
        return principal.user_id is not None and await self._directory.owns(principal.user_id, address)
