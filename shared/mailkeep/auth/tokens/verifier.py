"""The door for tokens: who vouches for one, is it good, what does it open, whose is it.

In this order, so that a token that opens nothing here makes no user here. Every host has its own; they agree
because the store and the issuers are the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mailkeep.auth.audit import printable
from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.rules import signed_out
from mailkeep.auth.tokens import signatures
from mailkeep.auth.tokens.development import DevelopmentIssuer
from mailkeep.auth.tokens.facts import TokenFacts
from mailkeep.auth.tokens.issuer import Issuer
from mailkeep.auth.tokens.jws import Jws, take_apart
from mailkeep.auth.tokens.provisioning import Provisioning, Voucher
from mailkeep.auth.tokens.scopes import ScopeMap
from mailkeep.errors import IssuerUnavailable
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.scope import Scope
from mailkeep.observe.logs import get_logger
from mailkeep.settings import AuthSettings
from mailkeep.settings_identity import DEVELOPMENT_KEY_OCTETS, IssuerSettings
from mailkeep.storage.interface import Directory

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A good token with its user. `ends_at` is when sessions that it opened must be over."""

    user: User
    scopes: frozenset[Scope]
    ends_at: datetime | None
    issued_at: datetime | None = None
    key_id: None = None

    @property
    def user_id(self) -> UUID:
        """Whose token it is."""
        return self.user.id


class TokenVerifier:
    """Make one on the running loop; `close` when no verification is under way."""

    def __init__(self, directory: Directory, settings: AuthSettings) -> None:
        self._issuers = [Issuer(one) for one in settings.issuers]
        self._left: list[Issuer] = []  # by a reload; tokens that are just being verified may still ask them
        self._settings = settings
        self._grace = timedelta(seconds=settings.token_grace_seconds)
        self._provisioning = Provisioning(directory)
        self._development = None if settings.issuers else _development(settings)

    def reload(self, settings: AuthSettings) -> None:
        """Trust these issuers from now on, on the loop. One whose settings are the same keeps its keys, and a
        random key of development goes on."""
        known = self._issuers
        self._issuers = [_same(one, known) or Issuer(one) for one in settings.issuers]
        self._left += [one for one in known if one not in self._issuers]
        if _local_tokens(settings) != _local_tokens(self._settings):
            self._development = None if settings.issuers else _development(settings)
        self._grace = timedelta(seconds=settings.token_grace_seconds)
        self._settings = settings

    async def close(self) -> None:
        """Ask no issuer any more."""
        for issuer in (*self._issuers, *self._left):
            await issuer.close()

    async def verify(self, token: str, now: datetime, *, narrow: bool) -> VerifiedToken:
        """Raises Refused, IssuerUnavailable, StoreUnavailable. `narrow` is for those who failed often."""
        if not (token.isascii() and token.isprintable()):  # RFC 6750 section 2.1
            raise Refused(Reason.TOKEN_MALFORMED)
        await signatures.loaded()
        parts = take_apart(token)
        if self._development is not None:
            return await self._local(self._development, parts, now)
        issuer, facts = await self._facts(token, parts, now, narrow=narrow)
        return await self._with_user(
            facts, issuer.scopes, issuer, lambda: issuer.with_userinfo(facts, token), now
        )

    def openid_configuration(self, identity: str) -> str:
        """Where a client finds who issues tokens for this address (RFC 7628 section 3.2.2); "" without
        issuers."""
        domain = identity.rpartition("@")[2].casefold()
        fitting = [one for one in self._issuers if domain in one.settings.domains] or self._issuers
        return fitting[0].openid_configuration if fitting else ""

    async def _local(self, development: DevelopmentIssuer, parts: Jws | None, now: datetime) -> VerifiedToken:
        if parts is None:
            raise Refused(Reason.NOT_A_KEY)
        facts = development.facts_of_jwt(parts, now)

        async def ask() -> TokenFacts:
            return facts

        return await self._with_user(facts, _OWN_SCOPES, _Anybody(), ask, now)

    async def _facts(
        self, token: str, parts: Jws | None, now: datetime, *, narrow: bool
    ) -> tuple[Issuer, TokenFacts]:
        if parts is None:
            return await self._introspected(token, now, narrow=narrow)
        for issuer in self._issuers:
            if issuer.issued(parts):
                return issuer, await issuer.facts_of_jwt(parts, now)
        log.warning("a token of an unexpected issuer", issuer=printable(str(parts.claims.get("iss"))))
        raise Refused(Reason.TOKEN_ISSUER)

    async def _introspected(self, token: str, now: datetime, *, narrow: bool) -> tuple[Issuer, TokenFacts]:
        """The first issuer that knows the token. One that is away is an answer only if no other knows it."""
        away: IssuerUnavailable | None = None
        reason = Reason.NOT_A_KEY
        for issuer in self._issuers:
            if not issuer.introspects:
                continue
            try:
                return issuer, await issuer.facts_of_opaque(token, now, narrow=narrow)
            except IssuerUnavailable as error:
                away = error
            except Refused as refused:
                reason = refused.reason
        if away is not None:
            raise away
        raise Refused(reason)

    async def _with_user(
        self,
        facts: TokenFacts,
        scope_map: ScopeMap,
        voucher: Voucher,
        ask: Callable[[], Awaitable[TokenFacts]],
        now: datetime,
    ) -> VerifiedToken:
        scopes = scope_map.opened_by(facts.scopes)
        if not scopes:
            raise Refused(Reason.SCOPE)
        user = await self._provisioning.user_for(facts, voucher, ask)
        if user.disabled:
            raise Refused(Reason.USER_DISABLED, user_id=user.id)
        if signed_out(user, facts.issued_at, now):
            raise Refused(Reason.TOKEN_SIGNED_OUT, user_id=user.id)
        ends_at = None if facts.expires_at is None else max(facts.expires_at, now) + self._grace
        return VerifiedToken(user, scopes, ends_at, facts.issued_at)


_OWN_SCOPES = ScopeMap({}, ())


class _Anybody:
    """Development tokens: the key is the proof."""

    def speaks_for(self, address: Address) -> bool:
        return True

    def trusts(self, address: Address) -> bool:
        return True


def _same(settings: IssuerSettings, known: list[Issuer]) -> Issuer | None:
    return next((one for one in known if one.settings == settings), None)


def _local_tokens(settings: AuthSettings) -> tuple[bool, str, str]:
    """All that says whether development tokens are taken, and by which key."""
    return bool(settings.issuers), settings.development_tokens, settings.jwt_development_key


def _development(settings: AuthSettings) -> DevelopmentIssuer | None:
    if settings.development_tokens == "off":
        return None
    if settings.jwt_development_key:
        return DevelopmentIssuer(settings.jwt_development_key.encode())
    log.warning(
        "development tokens are signed by a random key: they die when this process restarts",
        remedy="set MAILKEEP_JWT_DEVELOPMENT_KEY, or [auth] issuers",
    )
    return DevelopmentIssuer(secrets.token_bytes(DEVELOPMENT_KEY_OCTETS))
