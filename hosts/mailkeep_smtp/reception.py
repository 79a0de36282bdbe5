"""MX: mail for our domains from anybody, for nobody else's from anyone.

Nobody authenticates here, so no claim about who is speaking opens anything: the recipient's domain decides.
"""

from __future__ import annotations

from mailkeep.delivery.dispatch import Addressee
from mailkeep.smtp.errors import RoutingLoop
from mailkeep.smtp.paths import ForwardPath, ReversePath
from mailkeep.smtp.trace import received_count
from mailkeep_smtp.policy import Client
from mailkeep_smtp.recipients import Recipients


class Reception:
    """The policy of the MX listener. `max_received` is in Received fields."""

    takes_credentials = False
    mends_headers = False  # a relay changes nothing but trace fields (RFC 5321 section 6.4)

    def __init__(self, recipients: Recipients, max_received: int) -> None:
        self._recipients = recipients
        self._max_received = max_received

    def admit(self, client: Client) -> None:
        """Everybody may speak; TLS is the client's choice (RFC 3207 section 4 forbids to require it)."""

    async def sender(self, client: Client, path: ReversePath) -> None:
        """Any reverse-path may send here."""

    async def recipient(self, client: Client, path: ForwardPath) -> Addressee:
        """Addresses of hosted domains, claimed or not, as the domain's policy has it."""
        return await self._recipients.resolve(path)

    async def content(self, client: Client, header: bytes) -> None:
        """A message that has been through too many hops goes round in circles."""
        refuse_loops(header, self._max_received)


def refuse_loops(header: bytes, max_received: int) -> None:
    """Raises RoutingLoop (RFC 5321 section 6.3)."""
    if received_count(header) > max_received:
        raise RoutingLoop(f"The message has more than {max_received} Received fields: a routing loop.")
