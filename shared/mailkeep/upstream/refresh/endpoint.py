"""The refresh grant (RFC 6749 section 6) at a token endpoint: Google's, Microsoft's, any issuer's.

A provider may answer with a new refresh token that replaces the old one (section 6, last paragraph); it is
handed to `keep`, which is where the operator's secrets lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from mailkeep.auth.tokens.documents import openid_configuration
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.settings_identity import is_safe_url
from mailkeep.upstream.accounts import TOKEN_LIMIT, MailProtocol
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import OAuthClient, RefreshedOAuthToken, RefreshTokens

GOOGLE_TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
MICROSOFT = "https://login.microsoftonline.com"
TIMEOUT_SECONDS = 15.0
SECONDS_LIMIT = 7 * 86_400.0
# RFC 6749 section 5.2: what only the person can mend, and what only the operator can.
_DEAD = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})
_CLIENT = frozenset({"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"})


def microsoft_token_endpoint(tenant: str) -> str:
    """A tenant's id or domain, or common, organizations, consumers."""
    return f"{MICROSOFT}/{quote(tenant, safe='')}/oauth2/v2.0/token"


class TokenEndpoint:
    """Refreshes at `endpoint`, or where the discovery document of `issuer` says."""

    def __init__(
        self,
        client: OAuthClient,
        tokens: RefreshTokens,
        *,
        endpoint: str = "",
        issuer: str = "",
        ca_file: str = "",
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._endpoint = endpoint
        self._issuer = issuer
        self._http = OutboundClient(TIMEOUT_SECONDS, ca_file)
        self._one = asyncio.Lock()

    async def refresh_token(
        self, protocol: MailProtocol, user: str, current_token: str
    ) -> RefreshedOAuthToken:
        """See OAuthRefreshProvider."""
        async with self._one, self._tokens.alone():
            return await self._refresh(user)

    async def _refresh(self, user: str) -> RefreshedOAuthToken:
        held = await asyncio.to_thread(self._tokens.read)
        if not held:
            raise UpstreamError(UpstreamCode.SIGN_IN, f"There is no refresh token for {user}; sign in again.")
        form = {"grant_type": "refresh_token", "refresh_token": held, "client_id": self._client.client_id}
        if self._client.client_secret:
            form["client_secret"] = self._client.client_secret
        if self._client.scope:
            form["scope"] = self._client.scope
        try:
            answer = await self._http.post(await self._place(), form, {})
        except OutboundFailed as error:
            raise _refused(error, user) from None
        refreshed, new_refresh_token = read_answer(answer, datetime.now(UTC))
        if new_refresh_token and new_refresh_token != held:
            await asyncio.to_thread(self._tokens.keep, new_refresh_token)
        return refreshed

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()

    async def _place(self) -> str:
        if not self._endpoint:
            document = await self._http.get(openid_configuration(self._issuer))
            found = document.get("token_endpoint")
            if not is_same_issuer(document.get("issuer"), self._issuer) or not isinstance(found, str):
                raise OutboundFailed("the discovery document names no token endpoint of this issuer")
            if not is_safe_url(found):
                raise OutboundFailed("the discovery document names a token endpoint without TLS")
            self._endpoint = found
        return self._endpoint


def read_answer(answer: Mapping[str, Any], now: datetime) -> tuple[RefreshedOAuthToken, str]:
    """(access token, refresh token or "") of a token endpoint's answer (RFC 6749 section 5.1).

    Raises UpstreamError `refresh_nonsense`.
    """
    token, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT or not token.isprintable():
        raise UpstreamError(UpstreamCode.REFRESH_NONSENSE, "The provider answered without an access token.")
    if not isinstance(kind, str) or kind.casefold() != "bearer":
        raise UpstreamError(
            UpstreamCode.REFRESH_NONSENSE, "The provider gave a token that is no bearer token."
        )
    refresh_token = answer.get("refresh_token", "")
    if not isinstance(refresh_token, str) or len(refresh_token) > TOKEN_LIMIT or "\n" in refresh_token:
        raise UpstreamError(UpstreamCode.REFRESH_NONSENSE, "The provider gave an unusable refresh token.")
    return RefreshedOAuthToken(token, _end(answer.get("expires_in"), now)), refresh_token


def _end(seconds: object, now: datetime) -> datetime | None:
    """Some providers write the number as text."""
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 12:
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return now + timedelta(seconds=min(float(seconds), SECONDS_LIMIT))


def _refused(error: OutboundFailed, user: str) -> UpstreamError:
    if error.word in _DEAD:
        return UpstreamError(
            UpstreamCode.SIGN_IN, f"The provider wants {user} to sign in again ({error.word})."
        )
    if error.word in _CLIENT:
        return UpstreamError(
            UpstreamCode.REFRESH_CLIENT, f"The provider refuses our client settings ({error.word})."
        )
    if error.status is not None and 400 <= error.status < 500 and error.status not in {408, 429}:
        return UpstreamError(UpstreamCode.REFRESH_NONSENSE, f"The token could not be refreshed: {error}")
    return UpstreamError(UpstreamCode.REFRESH_UNAVAILABLE, f"The token could not be refreshed: {error}")
