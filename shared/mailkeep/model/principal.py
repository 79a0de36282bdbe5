"""Who is at the other end, by what proof, and from where."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from mailkeep.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Peer:
    """The client's end of a connection, as the PROXY protocol or the socket gives it."""

    host: str
    port: int = 0
    tls: bool = False

    @property
    def is_loopback(self) -> bool:
        """True for 127.0.0.0/8 and ::1, also when mapped into IPv6."""
        return self.host == "::1" or self.host.removeprefix("::ffff:").startswith("127.")


class CredentialKind(StrEnum):
    """How the secret was handed over. Both may carry an API key; only a bearer may carry a token."""

    PASSWORD = "password"  # noqa: S105  the name of a mechanism family
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client presented. `identity` is the address it claims to be, "" if the mechanism has none.

    The secret is left out of `repr`, so that no log line or traceback can show it.
    """

    kind: CredentialKind
    identity: str
    secret: str = field(repr=False)
    authorization_identity: str = ""
    mechanism: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """A proven identity. `account_id` and `user_id` are None only for service keys (scope `internal`); `host`
    is where it came from, "" if that is not known; `issued_at` when their access token was made."""

    user_id: UUID | None
    account_id: int | None
    address: str
    scopes: frozenset[Scope]
    key_id: UUID | None = None
    expires_at: datetime | None = None
    host: str = ""
    issued_at: datetime | None = None

    def may(self, *any_of: Scope) -> bool:
        """True if it holds at least one of the scopes."""
        return not self.scopes.isdisjoint(any_of)
