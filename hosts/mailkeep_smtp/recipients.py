"""Whom a forward-path means: the same question on every listener."""

from __future__ import annotations

from mailkeep.delivery.dispatch import Addressee
from mailkeep.delivery.forwarding import Forwarder
from mailkeep.delivery.submit import addressees_for
from mailkeep.errors import RecipientRefused
from mailkeep.model.address import Address
from mailkeep.smtp.paths import ForwardPath, ReversePath
from mailkeep.storage.interface import Directory

POSTMASTER = "postmaster"


class Recipients:
    """Answers from the directory. `hostname` is what this host calls itself."""

    def __init__(self, directory: Directory, hostname: str, forwarder: Forwarder) -> None:
        self._directory = directory
        self._hostname = hostname.lower()
        self._forwarder = forwarder

    async def resolve(
        self, path: ForwardPath, sender: ReversePath, *, relays: bool = False
    ) -> tuple[Addressee, ...]:
        """Where its mail goes, several for a list; elsewhere only where we relay for whoever asks, an alias
        leads there, or a report comes back to who sent what we forwarded.

        Raises RelayDenied, RecipientRefused, StoreUnavailable.
        """
        address = path.address
        if address is None or (not relays and self._is_own_postmaster(address)):
            address = await self._postmaster()
        returned = await self._forwarder.returned(address)
        if returned is not None:
            if sender.address is not None:  # or whoever has seen one could send through us
                raise RecipientRefused("To that address come reports alone, from the null reverse-path.")
            return returned
        forwards = self._forwarder.is_on
        return await addressees_for(self._directory, address, relays=relays, forwards=forwards)

    def _is_own_postmaster(self, address: Address) -> bool:
        """Where mail is relayed, DNS says whose that name is."""
        return address.domain == self._hostname and address.local.lower() == POSTMASTER

    async def _postmaster(self) -> Address:
        """<Postmaster> alone means this host's (RFC 5321 section 4.5.1), as does the one at its name, to whom
        people write who read that in a header: its own domain's if that is hosted, else that of the first
        one that is."""
        if await self._directory.domain(self._hostname) is not None:
            return Address(POSTMASTER, self._hostname)
        domains = await self._directory.domains()
        if not domains:
            raise RecipientRefused("No domain is served here yet.")
        return Address(POSTMASTER, domains[0].name)
