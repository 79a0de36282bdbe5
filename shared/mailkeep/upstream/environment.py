"""The variables by which an operator hands us an account's secrets, and has them read again.

    {PREFIX}_IMAP_OAUTH_TOKEN   {PREFIX}_IMAP_OAUTH_EXPIRES_AT   {PREFIX}_IMAP_PASSWORD
    {PREFIX}_SMTP_OAUTH_TOKEN   {PREFIX}_SMTP_OAUTH_EXPIRES_AT   {PREFIX}_SMTP_PASSWORD
    {PREFIX}_OAUTH_REFRESH_TOKEN

The prefix is MAILKEEP_UPSTREAM unless an account has its own; who comes from PRX-Email says PRX_EMAIL. Ends
are in Unix seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mailkeep.upstream.accounts import AuthConfig, MailProtocol, Transport, TransportConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError

DEFAULT_PREFIX = "MAILKEEP_UPSTREAM"
NO_TOKEN_YET = "none-yet"  # noqa: S105  it has ended, so it is refreshed before anything is shown
LATEST = 253_402_300_799  # the last second of the year 9999
_PREFIX = re.compile(r"[A-Z][A-Z0-9_]{0,60}")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one prefix's variables."""

    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        """Raises UpstreamError."""
        if not _PREFIX.fullmatch(self.prefix):
            raise UpstreamError(UpstreamCode.CONFIG, f"'{self.prefix}' is no prefix: capitals, digits and _.")

    def token(self, protocol: MailProtocol) -> str:
        """Of the access token."""
        return f"{self.prefix}_{protocol.name}_OAUTH_TOKEN"

    def expires_at(self, protocol: MailProtocol) -> str:
        """Of the access token's end."""
        return f"{self.prefix}_{protocol.name}_OAUTH_EXPIRES_AT"

    def password(self, protocol: MailProtocol) -> str:
        """Of the password."""
        return f"{self.prefix}_{protocol.name}_PASSWORD"

    @property
    def refresh_token(self) -> str:
        """Of the refresh token, which serves both protocols."""
        return f"{self.prefix}_OAUTH_REFRESH_TOKEN"


def auth_of(
    names: Names, protocol: MailProtocol, variables: Mapping[str, str], *, is_refreshed: bool = False
) -> tuple[AuthConfig, datetime | None]:
    """The way in that the variables say. Where a provider gives tokens, none is needed to begin with.

    Raises UpstreamError that names the variable, never its value.
    """
    token = variables.get(names.token(protocol), "")
    password = variables.get(names.password(protocol), "")
    if is_refreshed and not token and not password:
        return AuthConfig(oauth_token=NO_TOKEN_YET), datetime.fromtimestamp(0, UTC)
    try:
        return AuthConfig(password, token), _end(names, protocol, variables) if token else None
    except UpstreamError as error:
        raise UpstreamError(
            error.code, f"{names.token(protocol)} and {names.password(protocol)}: {error}"
        ) from None


def reloaded(config: TransportConfig, names: Names, variables: Mapping[str, str]) -> TransportConfig:
    """The configuration with the tokens that the variables have now; a token clears the password.

    A protocol whose token variable is not set keeps its way in. Raises UpstreamError, and then nothing of it
    counts.
    """
    for protocol in MailProtocol:
        transport: Transport | None = getattr(config, protocol.value)
        token = variables.get(names.token(protocol), "")
        if transport is not None and token:
            config = config.replacing(protocol, transport.with_token(token, _end(names, protocol, variables)))
    return config


def _end(names: Names, protocol: MailProtocol, variables: Mapping[str, str]) -> datetime | None:
    name = names.expires_at(protocol)
    text = variables.get(name, "").strip()
    if not text:
        return None
    whole = text.partition(".")[0]
    if not (whole.isascii() and whole.isdecimal() and int(whole) <= LATEST):
        raise UpstreamError(UpstreamCode.CONFIG, f"{name} is a moment in Unix seconds, like 1796083200.")
    return datetime.fromtimestamp(int(whole), UTC)
