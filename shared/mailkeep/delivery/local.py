"""The last step of a message that stays here: into the INBOX of each recipient, in one commit.

`deliver` returns when the commit is durable, and only then may the sender be told so. If it raises, nothing
of the message was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mailkeep.model.address import Address
from mailkeep.model.message import Delivered, Delivery, DeliveryTarget, PreparedMessage
from mailkeep.storage.interface import Store


class LocalDelivery:
    """Delivery into this store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def deliver(
        self, message: PreparedMessage, recipients: Sequence[Address], received_at: datetime
    ) -> Sequence[Delivered]:
        """One message to every recipient, each once however often named. Raises StoreUnavailable."""
        unique = {address.key: address for address in recipients}
        targets = tuple(DeliveryTarget(address) for address in unique.values())
        return await self._store.committer.deliver(Delivery(message, targets, received_at))
