"""What a listener lets through: the questions that a session asks, and who asks them.

A session knows the protocol and no rule; a policy knows the rules and nothing of the wire. Refusing is
raising: the session turns the error into its reply. `reception` answers for MX, `submission` for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mailkeep.delivery.dispatch import Addressee, Forwarded
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.model.principal import Peer, Principal
from mailkeep.smtp.paths import ForwardPath, ReversePath

if TYPE_CHECKING:
    from mailkeep.mailauth.arc import ArcResult


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `helo` is what it calls itself, "" before it has."""

    peer: Peer
    helo: str = ""
    extended: bool = False  # it said EHLO
    principal: Principal | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole message, before anything of ours stands above it. `id` is what the log calls it."""

    id: str
    reverse_path: ReversePath
    addressees: tuple[Addressee, ...]
    message: CheckedMessage


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a policy makes of a message: its header section as it goes on, fields to put above it, and keys of
    the addressees who get it as junk. `chain` is what was found of its ARC sets, None if nobody looked."""

    header: bytes
    above: bytes = b""
    junk: frozenset[str] = frozenset()
    chain: ArcResult | None = None


class Policy(Protocol):
    """One listener's rules. Every method may raise StoreUnavailable."""

    takes_credentials: bool
    """True if AUTH is offered."""

    holds_mail: bool
    """True if a message may be told to wait (RFC 4865)."""

    mends_headers: bool
    """True if what a header lacks is added and Bcc taken away (RFC 6409 section 8)."""

    def admit(self, client: Client) -> None:
        """Before anything but greetings. Raises TlsRequired, AuthenticationRequired."""

    async def sender(self, client: Client, path: ReversePath) -> None:
        """MAIL. Raises SenderRefused, SenderUnknown, SenderNullMx."""

    async def recipient(
        self, client: Client, path: ForwardPath, sender: ReversePath
    ) -> tuple[Addressee, ...]:
        """RCPT: where its mail goes, several for a list. Raises RelayDenied, RecipientRefused, BlockListed,
        Greylisted."""

    async def content(self, client: Client, arrived: Arrived) -> Stamp:
        """The whole message. Raises RoutingLoop, SenderRefused, ContentRefused, DmarcRefused,
        SpoolUnavailable."""

    async def forward(self, arrived: Arrived, stamp: Stamp) -> Forwarded | None:
        """The message as it will be kept, with recipients elsewhere: how it leaves. None if as it is. Raises
        SpoolUnavailable."""
