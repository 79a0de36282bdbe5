"""Settings of browser sessions: how long they live, and who may sign people in or lend their mailbox.

Checked once, when the tree is read. A client secret lies in a file of its own; in the tree it would be one
`cat` away from everybody who may read the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from mailkeep.settings_identity import check_url

ProviderKind = Literal["gmail", "outlook", "oidc"]

SESSION_SECONDS_LIMIT = 86_400.0
"""A browser session is for a sitting: whoever wants more makes an API key."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One `[[sessions.providers]]`. What is empty is the kind's own, or what its discovery document says."""

    kind: ProviderKind
    client_id: str
    name: str = ""  # as in /oauth/authorize?provider=NAME; empty: the kind
    client_secret: str = field(default="", repr=False)
    client_secret_file: str = ""
    issuer: str = ""  # of an `oidc` provider: the URL exactly as it names itself
    tenant: str = "common"  # Microsoft's: a tenant, common, organizations or consumers
    scope: str = ""
    resource: str = ""  # RFC 8707: whom the access token is for; empty: not said
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # more of the authorization request
    timeout_seconds: float = 10.0
    ca_file: str = ""  # PEM of a private CA; empty: the system's
    imap: str = ""  # "host:port", implicit TLS: where assistants read the connected account
    smtp: str = ""  # "host:port", implicit TLS unless the port is 587

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        object.__setattr__(self, "name", self.name or self.kind)
        if not self.name.isidentifier():
            raise ValueError("name is one word of letters, digits and underscores")
        if self.kind == "oidc" and not self.issuer:
            raise ValueError("a provider of the kind 'oidc' needs its issuer")
        if not self.client_id:
            raise ValueError("client_id is what the provider calls us")
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
            if getattr(self, name):
                check_url(name, getattr(self, name))
        if not 0.1 <= self.timeout_seconds <= 60:
            raise ValueError("timeout_seconds is from 0.1 to 60")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """`[sessions]`: browser sessions of the API host, in memory only."""

    timeout_seconds: float = 3600.0  # also SESSION_TIMEOUT; a token that ends sooner ends its session sooner
    cleanup_seconds: float = 60.0  # also SESSION_CLEANUP_INTERVAL
    limit: int = 10_000
    providers: tuple[ProviderSettings, ...] = ()
    platforms: tuple[str, ...] = ()  # ids of keys that may bring accounts elsewhere along with a request

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        if not 1 <= self.timeout_seconds <= SESSION_SECONDS_LIMIT:
            raise ValueError(f"timeout_seconds is from 1 to {SESSION_SECONDS_LIMIT:g}")
        if not 0.1 <= self.cleanup_seconds <= 3600:
            raise ValueError("cleanup_seconds is from 0.1 to 3600")
        if self.limit < 1:
            raise ValueError("limit is at least 1")
        if any(not _is_key_id(platform) for platform in self.platforms):
            raise ValueError("platforms has a word that is no key's id, as `mailkeep keys list` shows it")
        names = [provider.name for provider in self.providers]
        if len(set(names)) < len(names):
            raise ValueError("two providers have the same name")


def _is_key_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def read_provider_secret(settings: ProviderSettings) -> str:
    """Our secret at the provider, from its file if one is named. Blocks; raises OSError, ValueError."""
    if not settings.client_secret_file:
        return settings.client_secret
    return Path(settings.client_secret_file).expanduser().read_text("utf-8").strip()
