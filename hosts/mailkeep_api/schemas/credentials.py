"""API keys as their owner sees them, and where mail programs connect."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from mailkeep.auth.keyservice import NAME_LIMIT, OVERLAP, OVERLAP_LIMIT, CreatedKey, KeyInfo
from mailkeep.auth.rules import NETWORKS_LIMIT
from mailkeep.model.scope import format_scopes
from mailkeep_api.schemas import Instant, Number, Shape

SCOPES_LIMIT = 20  # words in one request; there are fewer scopes
NETWORK_LIMIT = 64  # characters; the longest in CIDR notation has 43


class ConnectionInfo(Shape):
    """Hosts and ports for a mail program; the plain ports speak STARTTLS. A port without a listener is the
    registered one, and the protocol is said to be off if it has no listener at all."""

    smtp_server: str
    smtp_port: int
    smtp_secure_port: int
    smtp_enabled: bool
    pop3_server: str
    pop3_port: int
    pop3_secure_port: int
    pop3_enabled: bool
    imap_server: str
    imap_port: int
    imap_secure_port: int
    imap_enabled: bool
    username: str
    active_key_count: int


class ShownKey(Shape):
    """A key without its secret."""

    id: UUID
    name: str
    created_at: Instant | None
    last_used_at: Instant | None
    is_active: bool
    scopes: list[str]
    prefix: str
    networks: list[str]
    expires_at: Instant | None

    @classmethod
    def of(cls, key: KeyInfo) -> ShownKey:
        """A usable key as it is listed."""
        return cls(
            id=key.id,
            name=key.name,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            is_active=True,
            scopes=list(format_scopes(key.scopes)),
            prefix=key.prefix,
            networks=list(key.networks),
            expires_at=key.expires_at,
        )


class Credentials(Shape):
    """Where to connect, and with which keys: the usable ones, newest first."""

    connection_info: ConnectionInfo
    keys: list[ShownKey]


Scopes = Annotated[list[Annotated[str, Field(max_length=NAME_LIMIT)]] | None, Field(max_length=SCOPES_LIMIT)]
Networks = Annotated[
    list[Annotated[str, Field(max_length=NETWORK_LIMIT)]] | None, Field(max_length=NETWORKS_LIMIT)
]


class NewKey(Shape):
    """Without scopes, the key gets all that its maker may give; without networks it works from everywhere,
    without an expiry until it is revoked."""

    name: str = Field(min_length=1, max_length=NAME_LIMIT)
    scopes: Scopes = None
    networks: Networks = None
    expires_at: AwareDatetime | None = None


class KeyChange(Shape):
    """What is absent or null stays as it is. A key can be renamed, and come to open less, never more."""

    name: str | None = Field(None, min_length=1, max_length=NAME_LIMIT)
    scopes: Scopes = None
    networks: Networks = None
    expires_at: AwareDatetime | None = None


class Rotation(Shape):
    """For how many seconds the former key works beside its successor."""

    overlap_seconds: Annotated[Number, Field(ge=0, le=int(OVERLAP_LIMIT.total_seconds()))] = int(
        OVERLAP.total_seconds()
    )


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class MobileKey(Shape):
    """A key for the first-party app on one device."""

    device_name: str = Field(min_length=1, max_length=500)
    platform: Annotated[Literal["ios", "android", "windows", "macos", "web"], BeforeValidator(_lower)]


class MadeKey(Shape):
    """A new key. `api_key` is shown here and never again."""

    id: UUID
    name: str
    api_key: str = Field(repr=False)
    scopes: list[str]
    created_at: Instant | None

    @classmethod
    def of(cls, made: CreatedKey) -> MadeKey:
        """The answer for a key that was just made."""
        return cls(
            id=made.id,
            name=made.key.name,
            api_key=made.api_key,
            scopes=list(format_scopes(made.key.scopes)),
            created_at=made.key.created_at,
        )
