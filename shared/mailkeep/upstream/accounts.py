"""An account elsewhere as plain values: where its servers are, and by what it proves itself.

Made whole or not at all: what is here has been checked, so that a configuration is never half right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from mailkeep.settings_identity import is_loopback
from mailkeep.upstream.errors import UpstreamCode, UpstreamError

Security = Literal["tls", "starttls", "none"]

STARTTLS_PORTS = frozenset({143, 587, 25})
TOKEN_LIMIT = 16 * 1024  # characters


class MailProtocol(StrEnum):
    """Which of an account's two servers; their tokens may differ."""

    IMAP = "imap"
    SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """Exactly one of a password and an OAuth access token."""

    password: str = field(default="", repr=False)
    oauth_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Raises UpstreamError that says which is too much or too little."""
        if self.password and self.oauth_token:
            raise _wrong("Give a password or an OAuth token, not both.")
        if not self.password and not self.oauth_token:
            raise _wrong("Give a password or an OAuth token; there is neither.")
        secret = self.password or self.oauth_token
        if len(secret) > TOKEN_LIMIT or not secret.isprintable():
            raise _wrong("The password or OAuth token is no line of text.")

    @property
    def is_oauth(self) -> bool:
        """True if it is a token."""
        return bool(self.oauth_token)


@dataclass(frozen=True, slots=True)
class Server:
    """Where one protocol is spoken. Without TLS on this machine alone."""

    host: str
    port: int
    security: Security = "tls"
    ca_file: str = ""  # PEM of a private CA; empty: the system's

    def __post_init__(self) -> None:
        """Raises UpstreamError."""
        if not self.host or not 0 < self.port < 65536:
            raise _wrong("A server is named as HOST:PORT.")
        if self.security == "none" and not is_loopback(self.host):
            raise _wrong(f"{self.host} is asked without TLS, which is for this machine alone.")

    @classmethod
    def parse(cls, text: str, ca_file: str = "") -> Server:
        """ "HOST:PORT", where 143, 587 and 25 mean STARTTLS, or a URL-like "starttls://HOST:PORT".

        Raises UpstreamError.
        """
        scheme, found, rest = text.rpartition("://")
        host, _, port = rest.rpartition(":")
        if not port.isdecimal():
            raise _wrong(f"'{text}' is no server: write HOST:PORT.")
        if found and scheme not in {"tls", "starttls", "none"}:
            raise _wrong(f"'{scheme}' is no way to ask a server: tls, starttls or none.")
        security: Security = "starttls" if int(port) in STARTTLS_PORTS else "tls"
        chosen: Security = scheme if found else security  # type: ignore[assignment]  # checked above
        return cls(host.strip("[]"), int(port), chosen, ca_file)


@dataclass(frozen=True, slots=True)
class Transport:
    """One server with our way in. `expires_at` is the token's end, None for a password or if unknown."""

    server: Server
    user: str
    auth: AuthConfig
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Raises UpstreamError."""
        if not self.user or not self.user.isprintable() or "\1" in self.user:
            raise _wrong("The account needs a user name, usually its address.")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise _wrong("The end of a token has a time zone.")

    def with_token(self, token: str, expires_at: datetime | None) -> Transport:
        """The same way in with a new token, which takes the place of a password."""
        return replace(self, auth=AuthConfig(oauth_token=token), expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """All of an account's ways in, at least one."""

    imap: Transport | None = None
    smtp: Transport | None = None

    def __post_init__(self) -> None:
        """Raises UpstreamError."""
        if self.imap is None and self.smtp is None:
            raise _wrong("The account has neither an IMAP nor an SMTP server.")

    def of(self, protocol: MailProtocol) -> Transport:
        """Raises UpstreamError if the account has no such server."""
        found = self.imap if protocol is MailProtocol.IMAP else self.smtp
        if found is None:
            raise _wrong(f"The account has no {protocol.value.upper()} server.")
        return found

    def replacing(self, protocol: MailProtocol, transport: Transport) -> TransportConfig:
        """A configuration with one way in changed."""
        return replace(self, **{protocol.value: transport})


def _wrong(sentence: str) -> UpstreamError:
    return UpstreamError(UpstreamCode.CONFIG, sentence)
