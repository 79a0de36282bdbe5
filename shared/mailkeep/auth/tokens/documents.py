"""What an issuer publishes: its metadata and its keys, fetched seldom and kept when it goes away.

The discovery document (OpenID Connect Discovery, RFC 8414) leads to the key set (RFC 7517). Both are fetched
at the first token, again when they are old, and again when a token names a key that is not among them, which
is how keys are rotated; never more often than the setting says, whatever tokens come, and by one
fetch at a time. While the issuer is away the last good keys go on working.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mailkeep.auth.tokens import signatures
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.auth.tokens.jws import Jws
from mailkeep.auth.tokens.signatures import VerificationKey, matching, read_key_set
from mailkeep.errors import IssuerUnavailable
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.settings_identity import IssuerSettings, is_safe_url

FIRST_RETRY_SECONDS = 5.0
"""Between attempts as long as nothing was ever fetched: then nobody gets in, and waiting helps nobody."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Documents:
    """Endpoints are "" where the issuer has none."""

    introspection_endpoint: str = ""
    userinfo_endpoint: str = ""
    keys: tuple[VerificationKey, ...] = field(default=(), repr=False)


class IssuerDocuments:
    """One an issuer. `clock` is in seconds and only moves forward."""

    def __init__(
        self,
        settings: IssuerSettings,
        client: OutboundClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._held: Documents | None = None
        self._fetched_at = 0.0
        self._attempted_at: float | None = None
        self._flight: asyncio.Task[None] | None = None
        self._tasks = TaskRegistry()

    async def current(self) -> Documents:
        """The documents, perhaps old ones while new ones are fetched. Raises IssuerUnavailable."""
        if self._held is None:
            await self._refresh()
        elif self._clock() - self._fetched_at >= self._settings.jwks_max_age_seconds and self._is_due():
            self._begin()
        if self._held is None:
            raise IssuerUnavailable("The issuer of access tokens does not answer.")
        return self._held

    async def keys_for(self, token: Jws) -> list[VerificationKey]:
        """The keys that may have signed the token; none if the issuer has none such, after a look at what
        it publishes now if that may be looked at again. Raises IssuerUnavailable."""
        found = matching((await self.current()).keys, token)
        if not found:
            await self._refresh()
            found = matching((await self.current()).keys, token)
        return found

    async def close(self) -> None:
        """Fetch nothing more."""
        await self._tasks.close()

    async def _refresh(self) -> None:
        if self._flight is not None or self._is_due():
            await asyncio.shield(self._begin())

    def _is_due(self) -> bool:
        if self._attempted_at is None:
            return True
        seconds = self._settings.jwks_refresh_seconds
        if self._held is None:
            seconds = min(seconds, FIRST_RETRY_SECONDS)
        return self._clock() - self._attempted_at >= seconds

    def _begin(self) -> asyncio.Task[None]:
        """The fetch under way, or a new one. It belongs to all who wait, so nobody's leaving ends it."""
        if self._flight is None:
            self._attempted_at = self._clock()
            self._flight = self._tasks.spawn(self._fetch(), f"keys of {self._settings.issuer}")
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._flight = None

    async def _fetch(self) -> None:
        try:
            metadata = await self._metadata()
            await signatures.loaded()
            keys = read_key_set(await self._client.get(_endpoint(metadata, "jwks_uri")))
        except OutboundFailed as error:
            log.warning("an issuer's keys cannot be fetched", issuer=self._settings.issuer, reason=str(error))
            return
        if not keys:
            log.warning("an issuer publishes no usable key", issuer=self._settings.issuer)
            if self._held is not None:
                return
        self._held = Documents(
            self._settings.introspection_endpoint or _endpoint(metadata, "introspection_endpoint"),
            _endpoint(metadata, "userinfo_endpoint"),
            keys,
        )
        self._fetched_at = self._clock()

    async def _metadata(self) -> Mapping[str, Any]:
        """The document whose `issuer` is the configured one (RFC 8414 section 3.3)."""
        try:
            metadata = await self._client.get(openid_configuration(self._settings.issuer))
        except OutboundFailed as error:
            if error.status != 404:
                raise
            metadata = await self._client.get(_oauth_metadata(self._settings.issuer))
        if not is_same_issuer(metadata.get("issuer"), self._settings.issuer):
            raise OutboundFailed("the discovery document names another issuer")
        if not _endpoint(metadata, "jwks_uri"):
            raise OutboundFailed("the discovery document names no jwks_uri that may be used")
        return metadata


def openid_configuration(issuer: str) -> str:
    """OpenID Connect Discovery section 4.1: appended to the issuer."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def _oauth_metadata(issuer: str) -> str:
    """RFC 8414 section 3.1: inserted between host and path."""
    parts = urlsplit(issuer)
    path = "/.well-known/oauth-authorization-server" + parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    url = metadata.get(name)
    return url if isinstance(url, str) and is_safe_url(url) else ""
