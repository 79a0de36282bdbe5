"""What all sessions share, what a session asks of its connection, and what both states answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from mailkeep.auth import Authenticator
from mailkeep.model.principal import Peer
from mailkeep.net.tasks import TaskRegistry
from mailkeep.pop3 import Offer, State, capabilities
from mailkeep.pop3.commands import Command
from mailkeep.pop3.languages import choose_language, language_lines
from mailkeep.pop3.replies import multi_line, ok
from mailkeep.sasl import MECHANISMS
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_pop3.logins import LastLogins
from mailkeep_pop3.maildrop import RecentSnapshots

WRITE_TOGETHER = 64 * 1024
"""Octets of replies that are gathered before they are written."""

Pieces: TypeAlias = AsyncGenerator[bytes, None]

Answer: TypeAlias = bytes | Pieces
"""A reply: at once, or in pieces by something that waits. What raises before its first piece becomes -ERR."""


class Stepped(NamedTuple):
    """Which commands a step has read; None and 0 if it was a SASL response, or not to be understood."""

    kind: type[Command] | None
    times: int = 1


NOT_STEPPED = Stepped(None, 0)


@dataclass(frozen=True, slots=True)
class Services:
    """One of these per process. `tasks` owns what sessions run in the background."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    tasks: TaskRegistry
    recent: RecentSnapshots
    logins: LastLogins


class Wire(Protocol):
    """A connection as its session sees it."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end, and whether TLS is on by now."""

    @property
    def offers_tls(self) -> bool:
        """True if TLS can still be started."""

    @property
    def has_room(self) -> bool:
        """False while what was written waits for the client to read."""

    async def room(self) -> None:
        """Wait until there is room. Raises PeerGone when the client is gone, or takes nothing for as long
        as a session may be idle."""

    def write(self, octets: bytes) -> None:
        """Send, sooner or later; nothing is sent after the connection is lost."""

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""

    def resume_reading(self) -> None:
        """Take octets from the client again."""

    def start_tls(self) -> None:
        """Begin TLS after what was written."""

    def close(self) -> None:
        """Close after what was written has been sent."""

    def part(self) -> None:
        """The same when the host stops and nothing is being answered: hardly wait for the client."""

    def abort(self) -> None:
        """Drop the connection now."""


def plaintext_ok(services: Services, peer: Peer) -> bool:
    """True if secrets may be sent as they are: over TLS, or from loopback where the operator permits it."""
    return peer.tls or (services.settings.auth.insecure_loopback_auth and peer.is_loopback)


def answer_capa(services: Services, wire: Wire, state: State) -> bytes:
    """CAPA, in either state (RFC 2449 section 5)."""
    offer = Offer(
        MECHANISMS,
        plaintext=plaintext_ok(services, wire.peer),
        stls=wire.offers_tls,
        login_delay=services.settings.pop3.login_delay_seconds,
    )
    return multi_line("Capabilities follow.", capabilities(state, offer))


def answer_lang(wanted: str | None) -> bytes:
    """LANG, in either state (RFC 6856 section 3). Raises UnknownLanguage."""
    if wanted is None:
        return multi_line("Languages follow.", language_lines())
    return ok(f"{choose_language(wanted)} Replies are in this language.")
