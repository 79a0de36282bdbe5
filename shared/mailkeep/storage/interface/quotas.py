"""What an account may hold and what it holds. Part of the store's contract."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.quota import Quota


class Quotas(Protocol):
    """Usage is exact: the sum of counters that every commit keeps.

    Appends and copies are refused under the lock of their mailbox (see Committer). A delivery is asked for
    beforehand and is then stored, even if others fill the account meanwhile: what was accepted is kept.
    """

    async def of(self, account_id: int) -> Quota:
        """What an account holds and may hold. Raises NotFound."""

    async def own_limits(self, user_id: UUID) -> tuple[int | None, int | None]:
        """Storage and messages as `set_limits` has them. Raises NotFound."""

    async def set_limits(self, user_id: UUID, storage: int | None, messages: int | None) -> None:
        """Limits of one user; None is the operator's default, 0 no limit. Raises NotFound."""

    async def require_room(self, address: Address, octets: int = 0) -> None:
        """Asked before a delivery of that size (0: not known) is accepted. Raises OverQuota if the account
        is full, NeverFits if the message is larger than it may ever be. An address without an account
        has an empty one. Costs no query where no limit applies, as of the feed's last news."""
