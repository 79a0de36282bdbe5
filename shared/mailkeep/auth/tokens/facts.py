"""What a token says, checked claim by claim: the same for a JWT's payload and an introspection's answer.

A claim of a wrong type is refused and never converted. What the claims mean here (which scope, whose mail)
is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mailkeep.auth.reasons import Reason, Refused

SUBJECT_LIMIT = 255  # OpenID Connect Core section 2: a subject has at most 255 ASCII characters
SCOPES_LIMIT = 256
"""Scope words of one token."""

NAME_LIMIT = 200
EMAIL_LIMIT = 320
LATEST = 253_402_300_799  # the last second of the year 9999, where datetime ends


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Who must have issued it, for whom, and how much clocks may differ."""

    issuer: str
    audiences: frozenset[str]
    leeway: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the issuer says the subject is. `email` is as written; "" if there is none."""

    email: str = ""
    email_verified: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A good token. `issuer` is the configured spelling; `expires_at` None if the token does not say."""

    issuer: str
    subject: str
    scopes: frozenset[str]
    expires_at: datetime | None
    profile: Profile
    issued_at: datetime | None = None


def check_claims(claims: Mapping[str, Any], rules: ClaimRules, now: datetime) -> TokenFacts:
    """The facts of a JWT's claims (RFC 7519 section 4.1, RFC 9068 section 4). Raises Refused."""
    if not is_same_issuer(claims.get("iss"), rules.issuer):
        raise Refused(Reason.TOKEN_ISSUER)
    if "exp" not in claims:
        raise Refused(Reason.TOKEN_CLAIMS)
    if rules.audiences and rules.audiences.isdisjoint(_audiences(claims)):
        raise Refused(Reason.TOKEN_AUDIENCE)
    return checked_facts(claims, rules, now)


def checked_facts(claims: Mapping[str, Any], rules: ClaimRules, now: datetime) -> TokenFacts:
    """Lifetime, subject and scopes. Raises Refused."""
    # RFC 9449 section 7.1 and RFC 8705 section 3: a token bound to a key is no bearer token.
    if "cnf" in claims:
        raise Refused(Reason.TOKEN_CLAIMS)
    return TokenFacts(
        issuer=rules.issuer,
        subject=_subject(claims.get("sub")),
        scopes=_scopes(claims),
        expires_at=_lifetime(claims, rules.leeway, now),
        profile=profile_of(claims),
        issued_at=_issued(claims),
    )


def is_same_issuer(claimed: object, configured: str) -> bool:
    """Without regard to case, and otherwise octet by octet."""
    return isinstance(claimed, str) and claimed.casefold() == configured.casefold()


def profile_of(claims: Mapping[str, Any]) -> Profile:
    """OpenID Connect Core section 5.1. What has a wrong type or size is left out: it proves nothing."""
    email, name = claims.get("email"), claims.get("name")
    verified = claims.get("email_verified")
    return Profile(
        email=email if isinstance(email, str) and len(email) <= EMAIL_LIMIT else "",
        email_verified=verified is True or verified == "true",  # some issuers write all claims as text
        name=name if isinstance(name, str) and len(name) <= NAME_LIMIT and name.isprintable() else "",
    )


def with_profile(facts: TokenFacts, claims: Mapping[str, Any]) -> TokenFacts:
    """The facts with the userinfo endpoint's answer, which must be about the same subject (OpenID Connect
    Core section 5.3.2). Raises Refused."""
    if claims.get("sub") != facts.subject:
        raise Refused(Reason.TOKEN_CLAIMS)
    return replace(facts, profile=profile_of(claims))


def _lifetime(claims: Mapping[str, Any], leeway: float, now: datetime) -> datetime | None:
    moment = now.timestamp()
    expires, begins, issued = (_numeric_date(claims.get(name)) for name in ("exp", "nbf", "iat"))
    if expires is not None and expires + leeway <= moment:
        raise Refused(Reason.EXPIRED)
    if any(since is not None and since - leeway > moment for since in (begins, issued)):
        raise Refused(Reason.TOKEN_NOT_YET)
    return None if expires is None else datetime.fromtimestamp(expires, UTC)


def _issued(claims: Mapping[str, Any]) -> datetime | None:
    """RFC 7519 section 4.1.6."""
    issued = _numeric_date(claims.get("iat"))
    return None if issued is None else datetime.fromtimestamp(issued, UTC)


def _numeric_date(value: object) -> float | None:
    """RFC 7519 section 2: seconds since 1970, perhaps with a fraction."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(Reason.TOKEN_CLAIMS)
    if not 0 <= value <= LATEST or not math.isfinite(value):
        raise Refused(Reason.TOKEN_CLAIMS)
    return float(value)


def _subject(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= SUBJECT_LIMIT or not value.isprintable():
        raise Refused(Reason.TOKEN_CLAIMS)
    return value


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    return _words(claims.get("aud"), splits=False)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """`scope` (RFC 8693 section 4.2) and `scp`, as Microsoft and Okta write it."""
    words = _words(claims.get("scope"), splits=True) | _words(claims.get("scp"), splits=True)
    if len(words) > SCOPES_LIMIT:
        raise Refused(Reason.TOKEN_CLAIMS)
    return words


def _words(value: object, *, splits: bool) -> frozenset[str]:
    """One string or a list of strings. Raises Refused for anything else."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split(" ") if splits else [value]) - {""}
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return frozenset(value)
    raise Refused(Reason.TOKEN_CLAIMS)
