"""How we prove ourselves to a server that wants it: a password or API key, or an access token.

Here secrets are read from files at each login, so that a new one counts without a restart and none stands in
a settings file, an environment or a command line. Tokens that are refreshed are upstream's business, which
keeps the same contract. They are sent over TLS alone, which is not checked here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from mailkeep.delivery.remote.outcome import NotSent, Verdict, later

SECRET_LIMIT = 16 * 1024  # octets


class CredentialsRefused(NotSent):
    """The server does not take what we showed it."""

    def __init__(self, reason: str, host: str) -> None:
        super().__init__(Verdict.LATER, "4.7.8", reason, host)


class Credentials(Protocol):
    """One account at a server."""

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        """A mechanism that the server offers, and its initial response. Raises NotSent."""

    async def renewed(self) -> bool:
        """What was shown last was refused: True if there is something else to show now, so that one more
        attempt is worth it. Raises NotSent."""


class FileCredentials:
    """`token_file` holds an access token that somebody else renews, `secret_file` a password or key."""

    def __init__(self, user: str, secret_file: str, token_file: str) -> None:
        self._user = user
        self._secret_file = secret_file
        self._token_file = token_file
        self._shown = b""

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        """See Credentials."""
        if self._token_file:
            mechanism = token_mechanism(offered, host)
            self._shown = await _read(self._token_file, host)
            return mechanism, token_response(mechanism, self._user, self._shown)
        require_plain(offered, host)
        self._shown = await _read(self._secret_file, host)
        return "PLAIN", plain_response(self._user, self._shown)

    async def renewed(self) -> bool:
        """See Credentials: somebody may have renewed it just now."""
        return await _read(self._token_file or self._secret_file, "") != self._shown


def token_mechanism(offered: frozenset[str], host: str) -> str:
    """The one by which a token is shown. Raises NotSent."""
    for name in ("XOAUTH2", "OAUTHBEARER"):
        if name in offered:
            return name
    raise later("4.7.0", "the server offers neither XOAUTH2 nor OAUTHBEARER", host)


def require_plain(offered: frozenset[str], host: str) -> None:
    """Raises NotSent."""
    if "PLAIN" not in offered:
        raise later("4.7.0", "the server does not offer AUTH PLAIN", host)


def token_response(mechanism: str, user: str, token: bytes) -> bytes:
    """The initial response of a bearer mechanism."""
    if mechanism == "XOAUTH2":
        return b"user=%b\x01auth=Bearer %b\x01\x01" % (user.encode(), token)
    # RFC 7628 section 3.1; RFC 5801 section 4: "=" and "," are escaped in the gs2 header.
    name = user.replace("=", "=3D").replace(",", "=2C").encode()
    return b"n,a=%b,\x01auth=Bearer %b\x01\x01" % (name, token)


def plain_response(user: str, secret: bytes) -> bytes:
    """RFC 4616."""
    return b"\0%b\0%b" % (user.encode(), secret)


async def _read(path: str, host: str) -> bytes:
    try:
        secret = (await asyncio.to_thread(Path(path).read_bytes)).strip()
    except OSError as error:
        raise later("4.3.5", f"the smarthost's secret cannot be read: {error.strerror}", host) from None
    if not secret or len(secret) > SECRET_LIMIT:
        raise later("4.3.5", "the smarthost's secret is empty or too long", host)
    return secret
