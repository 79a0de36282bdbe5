"""Settings of those who may say who somebody is: OpenID Connect issuers, and the development key.

Checked once, when the tree is read: an issuer that could be impersonated on the network, a scope that does
not exist and a development key behind a public listener never reach the code that would trust them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mailkeep.errors import InvalidName
from mailkeep.model.address import normal_domain
from mailkeep.model.scope import Scope, parse_scopes

DEVELOPMENT_KEY_OCTETS = 32  # RFC 7518 section 3.2: HS256 needs a key of at least 256 bits


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """One `[[auth.issuers]]`. docs/identity.md has an example for each kind of issuer."""

    issuer: str  # the URL exactly as the issuer names itself; compared without regard to case
    audiences: tuple[str, ...] = ()  # `aud` must name one of them; empty: not asked
    domains: tuple[str, ...] = ()  # addresses that this issuer may speak for; empty: all hosted domains
    trusted_domains: tuple[str, ...] = ()  # addresses that need no `email_verified` from this issuer
    scope_map: Mapping[str, str] = field(default_factory=dict)  # its scope -> ours, several by spaces
    default_scopes: tuple[str, ...] = ()  # what a token that names none of ours opens
    leeway_seconds: float = 30.0
    timeout_seconds: float = 5.0
    jwks_max_age_seconds: float = 3600.0
    jwks_refresh_seconds: float = 60.0  # at most one fetch in this time, whatever tokens come
    introspection_endpoint: str = ""  # empty: what the discovery document names
    client_id: str = ""  # ours at the issuer, for introspection; empty: opaque tokens are not taken
    client_secret: str = field(default="", repr=False)
    client_secret_file: str = ""
    introspection_cache_seconds: float = 60.0
    ca_file: str = ""  # PEM of a private CA; empty: the system's

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_url("issuer", self.issuer)
        if self.introspection_endpoint:
            check_url("introspection_endpoint", self.introspection_endpoint)
        for name in ("domains", "trusted_domains"):
            object.__setattr__(self, name, tuple(_domain(name, domain) for domain in getattr(self, name)))
        for words in (*self.scope_map.values(), " ".join(self.default_scopes)):
            _check_scopes(words)
        self._check_times()
        if self.client_id and not (self.client_secret or self.client_secret_file):
            raise ValueError("client_id needs a client_secret_file (or a client_secret)")

    def _check_times(self) -> None:
        limits = {
            "leeway_seconds": (0.0, 300.0),
            "timeout_seconds": (0.1, 60.0),
            "jwks_max_age_seconds": (1.0, 7 * 86400.0),
            "jwks_refresh_seconds": (1.0, 86400.0),
            "introspection_cache_seconds": (0.0, 3600.0),
        }
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is from {least:g} to {most:g}")


def _domain(name: str, domain: str) -> str:
    try:
        return normal_domain(domain)
    except InvalidName:
        raise ValueError(f"{name}: '{domain}' is not a domain") from None


def _check_scopes(words: str) -> None:
    try:
        scopes = parse_scopes(words.split())
    except InvalidName as error:
        raise ValueError(f"scope_map, default_scopes: {error}") from None
    if Scope.INTERNAL in scopes:
        raise ValueError("scope_map, default_scopes: no token opens 'internal'")


def check_url(name: str, url: str) -> None:
    """https, or http to this machine: who can change the answer can be anybody (RFC 8414 section 6.1)."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.fragment or (parts.query and name == "issuer"):
        raise ValueError(f"{name} has no user, password, query or fragment")
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise ValueError(f"{name} is a URL like https://id.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{name} begins with https:// unless it is on this machine")


def is_loopback(host: str) -> bool:
    """True if nobody but this machine is meant by it."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_safe_url(url: str) -> bool:
    """True for what `check_url` lets pass: for URLs that an issuer names."""
    try:
        check_url("url", url)
    except ValueError:
        return False
    return True


def read_client_secret(settings: IssuerSettings) -> str:
    """Our secret at the issuer, from its file if one is named. Blocks; raises OSError, ValueError."""
    if not settings.client_secret_file:
        return settings.client_secret
    return Path(os.path.expanduser(settings.client_secret_file)).read_text("utf-8").strip()


def has_public_listener(listeners: Iterable[str]) -> bool:
    """True if somebody beyond this machine can reach one of these "host:port" listeners."""
    return any(not is_loopback(listener.rpartition(":")[0]) for listener in listeners)


def check_development_key(key: str) -> None:
    """Raises ValueError if the key is too short to sign with."""
    if key and len(key.encode()) < DEVELOPMENT_KEY_OCTETS:
        raise ValueError(f"jwt_development_key has at least {DEVELOPMENT_KEY_OCTETS} octets")
