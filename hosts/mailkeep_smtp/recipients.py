"""Which of our addresses a forward-path means: the same question on every listener."""

from __future__ import annotations

from mailkeep.errors import RecipientRefused, RelayDenied
from mailkeep.model.address import Address
from mailkeep.model.directory import RecipientKind
from mailkeep.smtp.paths import ForwardPath
from mailkeep.storage.interface import Directory

POSTMASTER = "postmaster"


class LocalRecipients:
    """Answers from the directory. `hostname` is what this host calls itself."""

    def __init__(self, directory: Directory, hostname: str) -> None:
        self._directory = directory
        self._hostname = hostname

    async def resolve(self, path: ForwardPath) -> Address:
        """The address to deliver to. Raises RelayDenied, RecipientRefused, StoreUnavailable."""
        address = path.address or await self._postmaster()
        answer = await self._directory.recipient(address)
        if answer.kind is RecipientKind.NOT_LOCAL:
            raise RelayDenied("Relaying denied: that domain is not served here.")
        if answer.kind is RecipientKind.REFUSED or answer.deliver_to is None:
            raise RecipientRefused("There is no such recipient here.")
        if answer.deliver_to == str(address):
            return address
        return Address.parse(answer.deliver_to)

    async def _postmaster(self) -> Address:
        """<Postmaster> alone means this host's (RFC 5321 section 4.5.1): its own domain's if that is hosted,
        else that of the first one that is."""
        if await self._directory.domain(self._hostname) is not None:
            return Address(POSTMASTER, self._hostname)
        domains = await self._directory.domains()
        if not domains:
            raise RecipientRefused("No domain is served here yet.")
        return Address(POSTMASTER, domains[0].name)
