"""Tokens without an issuer, for development: signed by a key that we have ourselves (HS256).

Such a token speaks for the local user who has its address, whoever made that user. Whoever has the key is
everybody: settings refuse it where a listener is public.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.tokens.facts import ClaimRules, TokenFacts, check_claims
from mailkeep.auth.tokens.jws import Jws
from mailkeep.auth.tokens.signatures import secret_verifies, sign_with_secret
from mailkeep.errors import InvalidName
from mailkeep.model.address import Address
from mailkeep.model.directory import LOCAL_ISSUER
from mailkeep.model.scope import USER_SCOPES, Scope, format_scopes

DEVELOPMENT_ISSUER = "mailkeep-dev"
DEVELOPMENT_AUDIENCE = "mailkeep"
LEEWAY_SECONDS = 30.0


def make_token(
    address: Address, secret: bytes, now: datetime, expires_at: datetime, scopes: Iterable[Scope] = ()
) -> str:
    """A token for the address. Without scopes it opens all that a user may have."""
    claims = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": DEVELOPMENT_AUDIENCE,
        "sub": address.key,
        "email": str(address),
        "email_verified": True,
        "scope": " ".join(format_scopes(frozenset(scopes) or USER_SCOPES)),
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": secrets.token_hex(8),
    }
    signing_input = f"{_segment({'alg': 'HS256', 'typ': 'at+jwt'})}.{_segment(claims)}"
    return f"{signing_input}.{_encoded(sign_with_secret(signing_input.encode('ascii'), secret))}"


class DevelopmentIssuer:
    """Verifies what `make_token` makes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._rules = ClaimRules(DEVELOPMENT_ISSUER, frozenset({DEVELOPMENT_AUDIENCE}), LEEWAY_SECONDS)

    def facts_of_jwt(self, token: Jws, now: datetime) -> TokenFacts:
        """The facts, with the local user as subject. Raises Refused."""
        if token.claims.get("iss") != DEVELOPMENT_ISSUER:
            raise Refused(Reason.TOKEN_ISSUER)
        if token.algorithm != "HS256":
            raise Refused(Reason.TOKEN_ALGORITHM)
        if not secret_verifies(token, self._secret):
            raise Refused(Reason.TOKEN_SIGNATURE)
        facts = check_claims(token.claims, self._rules, now)
        try:
            address = Address.parse(facts.profile.email or facts.subject)
        except InvalidName:
            raise Refused(Reason.EMAIL_MISSING) from None
        profile = replace(facts.profile, email=str(address), email_verified=True)
        return replace(facts, issuer=LOCAL_ISSUER, subject=address.key, profile=profile)


def _segment(value: object) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
