"""How we prove ourselves to a smarthost: a password or API key, or a token that somebody else renews.

Secrets are read from files at each login, so that a new one counts without a restart and none stands in a
settings file, an environment or a command line. They are sent over TLS alone, which is not checked here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from mailkeep.delivery.remote.outcome import later

SECRET_LIMIT = 16 * 1024  # octets


class Credentials:
    """One account at a smarthost: `token_file` holds an access token, `secret_file` a password or key."""

    def __init__(self, user: str, secret_file: str, token_file: str) -> None:
        self._user = user
        self._secret_file = secret_file
        self._token_file = token_file

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        """A mechanism that the server offers, and its initial response. Raises NotSent."""
        if self._token_file:
            token = await _read(self._token_file, host)
            if "XOAUTH2" in offered:
                return "XOAUTH2", b"user=%b\x01auth=Bearer %b\x01\x01" % (self._user.encode(), token)
            if "OAUTHBEARER" in offered:  # RFC 7628 section 3.1
                return "OAUTHBEARER", b"n,a=%b,\x01auth=Bearer %b\x01\x01" % (self._user.encode(), token)
            raise later("4.7.0", "the smarthost offers neither XOAUTH2 nor OAUTHBEARER", host)
        if "PLAIN" not in offered:
            raise later("4.7.0", "the smarthost does not offer AUTH PLAIN", host)
        secret = await _read(self._secret_file, host)
        return "PLAIN", b"\0%b\0%b" % (self._user.encode(), secret)  # RFC 4616


async def _read(path: str, host: str) -> bytes:
    try:
        secret = (await asyncio.to_thread(Path(path).read_bytes)).strip()
    except OSError as error:
        raise later("4.3.5", f"the smarthost's secret cannot be read: {error.strerror}", host) from None
    if not secret or len(secret) > SECRET_LIMIT:
        raise later("4.3.5", "the smarthost's secret is empty or too long", host)
    return secret
