"""MX: mail for our domains from anybody, for nobody else's from anyone.

Nobody authenticates here, so no claim about who is speaking opens anything: the recipient's domain decides.
Clients of trusted networks are not checked; of the others it is asked whether they may send what they send.
"""

from __future__ import annotations

from mailkeep.delivery.dispatch import Addressee, Forwarded
from mailkeep.delivery.forwarding import Forwarder, refuse_delivered
from mailkeep.delivery.signing import Signer
from mailkeep.mailauth.forged import without_forged
from mailkeep.smtp.errors import RoutingLoop
from mailkeep.smtp.paths import ForwardPath, ReversePath
from mailkeep.smtp.trace import received_count
from mailkeep_smtp.policy import Arrived, Client, Stamp
from mailkeep_smtp.recipients import Recipients
from mailkeep_smtp.verification import Verification


class Reception:
    """The policy of the MX listener. `max_received` is in Received fields."""

    takes_credentials = False
    holds_mail = False
    mends_headers = False  # a relay changes nothing but trace fields (RFC 5321 section 6.4)

    def __init__(
        self,
        recipients: Recipients,
        verification: Verification,
        max_received: int,
        hostname: str,
        *,
        forwarder: Forwarder,
        signer: Signer,
    ) -> None:
        self._recipients = recipients
        self._verification = verification
        self._max_received = max_received
        self._hostname = hostname
        self._forwarder = forwarder
        self._signer = signer

    def admit(self, client: Client) -> None:
        """Everybody may speak; TLS is the client's choice (RFC 3207 section 4 forbids to require it)."""

    async def sender(self, client: Client, path: ReversePath) -> None:
        """Any reverse-path that can be, from strangers."""
        if not self._verification.is_trusted(client):
            await self._verification.check_sender(path)

    async def recipient(
        self, client: Client, path: ForwardPath, sender: ReversePath
    ) -> tuple[Addressee, ...]:
        """Addresses of hosted domains, claimed or not, as the domain's policy has it."""
        addressees = await self._recipients.resolve(path, sender)
        if not self._verification.is_trusted(client):
            await self._verification.check_recipient(client, sender, path)
        return addressees

    async def content(self, client: Client, arrived: Arrived) -> Stamp:
        """A message that has been through too many hops goes round in circles."""
        header = arrived.message.header
        refuse_loops(header, self._max_received)
        for alias in {one.alias for one in arrived.addressees if one.alias is not None}:
            refuse_delivered(header, alias)
        header = without_forged(header, self._hostname)
        if self._verification.is_trusted(client):
            return Stamp(header)
        return await self._verification.check_message(client, arrived, header)

    async def forward(self, arrived: Arrived, stamp: Stamp) -> Forwarded | None:
        """As an alias has it: a transaction has at most one that leads elsewhere. Reports on their way back
        leave as they came."""
        alias = next((one.alias for one in arrived.addressees if one.alias is not None), None)
        if alias is None:
            return None
        sender = await self._forwarder.reverse_path(arrived.reverse_path.address, alias)
        chain = stamp.chain or await self._verification.chain(arrived)
        found = stamp.above.partition(b":")[2] or f" {self._hostname}; none".encode()  # RFC 8601 section 2.2
        seal = await self._signer.seal(alias.domain, arrived.message, chain, found)
        return Forwarded(sender, f"Delivered-To: {alias}\r\n".encode() + seal)


def refuse_loops(header: bytes, max_received: int) -> None:
    """Raises RoutingLoop (RFC 5321 section 6.3)."""
    if received_count(header) > max_received:
        raise RoutingLoop(f"The message has more than {max_received} Received fields: a routing loop.")
