"""What a browser is told about its session."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from mailkeep_api.schemas import Instant, Shape
from mailkeep_api.sessions.browser import Session


class ConnectedAccount(Shape):
    """A mailbox elsewhere that the session may read and send from until `expires_at`."""

    provider: str
    address: str
    expires_at: Instant


class SessionStatus(Shape):
    """For an invented, an ended and no session alike: `authenticated` is false and the rest is absent."""

    authenticated: bool
    address: str | None = None
    expires_at: Instant | None = None
    csrf_token: str | None = None
    connections: list[ConnectedAccount] = Field(default_factory=list)
    providers: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, session: Session | None, providers: list[str]) -> SessionStatus:
        """The session as its own browser may see it: with no token of any provider."""
        if session is None:
            return cls(authenticated=False, providers=providers)
        return cls(
            authenticated=True,
            address=session.principal.address if session.principal else None,
            expires_at=session.ends_at,
            csrf_token=session.csrf_token,
            connections=[
                ConnectedAccount(provider=one.provider, address=one.address, expires_at=one.expires_at)
                for one in session.connections.values()
            ],
            providers=providers,
        )


class ShownSession(Shape):
    """A browser that is signed in; `agent` is what it calls itself."""

    id: UUID
    began_at: Instant | None
    ends_at: Instant
    network: str
    agent: str
    by_key: bool
    is_this_one: bool

    @classmethod
    def of(cls, session: Session, asking: Session) -> ShownSession:
        """As its user may see it from another."""
        return cls(
            id=session.name,
            began_at=session.began_at,
            ends_at=session.ends_at,
            network=session.seen.network,
            agent=session.seen.agent,
            by_key=session.principal is not None and session.principal.key_id is not None,
            is_this_one=session is asking,
        )


class KeySignIn(Shape):
    """Sign in with an API key of one's own that opens the API."""

    key: str = Field(min_length=1, max_length=200)
