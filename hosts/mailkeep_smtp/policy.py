"""What a listener lets through: the questions that a session asks, and who asks them.

A session knows the protocol and no rule; a policy knows the rules and nothing of the wire. Refusing is
raising: the session turns the error into its reply. `reception` answers for MX, `submission` for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mailkeep.delivery.dispatch import Addressee
from mailkeep.model.principal import Peer, Principal
from mailkeep.smtp.paths import ForwardPath, ReversePath


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `helo` is what it calls itself, "" before it has."""

    peer: Peer
    helo: str = ""
    extended: bool = False  # it said EHLO
    principal: Principal | None = None


class Policy(Protocol):
    """One listener's rules. Every method may raise StoreUnavailable."""

    takes_credentials: bool
    """True if AUTH is offered."""

    mends_headers: bool
    """True if what a header lacks is added and Bcc taken away (RFC 6409 section 8)."""

    def admit(self, client: Client) -> None:
        """Before anything but greetings. Raises TlsRequired, AuthenticationRequired."""

    async def sender(self, client: Client, path: ReversePath) -> None:
        """MAIL. Raises SenderRefused."""

    async def recipient(self, client: Client, path: ForwardPath) -> Addressee:
        """RCPT: where its mail goes. Raises RelayDenied, RecipientRefused."""

    async def content(self, client: Client, header: bytes) -> None:
        """The header section without our trace fields. Raises RoutingLoop, SenderRefused, ContentRefused."""
