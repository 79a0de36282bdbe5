"""The token endpoint's half of a sign-in: a code for an access token, and whose it is (RFC 6749, 4.1.3).

What comes back from the browser is worth nothing without this: only here do we speak to the provider itself.
Refresh tokens are dropped unread. Errors name the provider and what was wrong, never what was sent.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from mailkeep.auth.reasons import Refused
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.auth.tokens.jws import TOKEN_LIMIT, take_apart
from mailkeep.errors import InvalidName
from mailkeep.model.address import Address
from mailkeep.net.outbound import OutboundFailed
from mailkeep_api.sessions.attempts import Attempt
from mailkeep_api.sessions.providers import Provider

TOKEN_SECONDS = 3600.0  # where the provider does not say: RFC 6749 section 5.1 only recommends that it does
TOKEN_SECONDS_LIMIT = 86_400.0


@dataclass(frozen=True, slots=True)
class Granted:
    """What a provider gave for a code. `address` is verified by it, "" of whom the token itself names."""

    address: str
    access_token: str = field(repr=False)
    expires_at: datetime


async def exchange(provider: Provider, attempt: Attempt, code: str, redirect: str, now: datetime) -> Granted:
    """Raises OutboundFailed with a reason for the audit log."""
    endpoints = await provider.endpoints()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": attempt.verifier,  # RFC 7636 section 4.5
    }
    answer = await provider.client.post(endpoints.token, *await _client_form(provider, form))
    token = _token(answer)
    if provider.kind.signs_in:  # the token says here who it is; made for us, it may not open userinfo
        return Granted("", token, now + _life(answer))
    if endpoints.userinfo:
        bearer = {"Authorization": f"Bearer {token}"}
        claims: Mapping[str, Any] = await provider.client.get(endpoints.userinfo, bearer)
    else:
        claims = _id_token_claims(answer.get("id_token"), provider, attempt, now)
    return Granted(_address(claims), token, now + _life(answer))


async def _client_form(provider: Provider, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The form and the headers by which we prove who we are (RFC 6749 section 2.3.1)."""
    secret = await provider.secret()
    client_id = provider.settings.client_id
    if not secret:
        return {**form, "client_id": client_id}, {}
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return form, {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


def _token(answer: Mapping[str, Any]) -> str:
    token, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT:
        raise OutboundFailed("the provider gave no access token")
    if not (token.isascii() and token.isprintable()):  # it goes into headers and SASL responses
        raise OutboundFailed("the provider gave an access token that cannot be sent")
    if not isinstance(kind, str) or kind.casefold() != "bearer":
        raise OutboundFailed("the provider gave a token that is no bearer token")
    return token


def _life(answer: Mapping[str, Any]) -> timedelta:
    seconds = answer.get("expires_in", TOKEN_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise OutboundFailed("the provider gave a token without a usable lifetime")
    return timedelta(seconds=min(float(seconds), TOKEN_SECONDS_LIMIT))


def _id_token_claims(token: object, provider: Provider, attempt: Attempt, now: datetime) -> Mapping[str, Any]:
    """Claims of an ID token. It came from the provider itself over TLS, which stands for its signature
    (OpenID Connect Core section 3.1.3.7, 6); for whom and for which sign-in it is, is still to be seen."""
    try:
        parts = take_apart(token) if isinstance(token, str) else None
    except Refused:
        parts = None
    if parts is None:
        raise OutboundFailed("the provider gave no ID token")
    claims = parts.claims
    audience, expires_at = claims.get("aud"), claims.get("exp")
    if provider.settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise OutboundFailed("the ID token is for somebody else")
    if provider.settings.issuer and not is_same_issuer(claims.get("iss"), provider.settings.issuer):
        raise OutboundFailed("the ID token is of another issuer")
    if claims.get("nonce") != attempt.nonce:
        raise OutboundFailed("the ID token is of another sign-in")
    if not isinstance(expires_at, int | float) or expires_at <= now.timestamp():
        raise OutboundFailed("the ID token has expired")
    return claims


def _address(claims: Mapping[str, Any]) -> str:
    """The account's own address. Microsoft's work accounts have it in preferred_username alone."""
    found = claims.get("email") or claims.get("preferred_username")
    if claims.get("email_verified") is False:
        raise OutboundFailed("the provider has not verified the address")
    try:
        return str(Address.parse(found if isinstance(found, str) else ""))
    except InvalidName:
        raise OutboundFailed("the provider names no mail address") from None
