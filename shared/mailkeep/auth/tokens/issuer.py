"""One issuer that the operator trusts: its keys, its introspection, its word on who somebody is."""

from __future__ import annotations

from datetime import datetime

from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.tokens.documents import IssuerDocuments, openid_configuration
from mailkeep.auth.tokens.facts import ClaimRules, TokenFacts, check_claims, is_same_issuer, with_profile
from mailkeep.auth.tokens.introspection import Introspection
from mailkeep.auth.tokens.jws import Jws
from mailkeep.auth.tokens.scopes import ScopeMap
from mailkeep.auth.tokens.signatures import ALGORITHMS
from mailkeep.errors import IssuerUnavailable
from mailkeep.model.address import Address
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.observe.logs import get_logger
from mailkeep.settings_identity import IssuerSettings

log = get_logger(__name__)


class Issuer:
    """`introspects` says that it knows us as a client and may be asked about opaque tokens."""

    def __init__(self, settings: IssuerSettings) -> None:
        self.settings = settings
        self.scopes = ScopeMap(settings.scope_map, settings.default_scopes)
        self.openid_configuration = openid_configuration(settings.issuer)
        self.introspects = bool(settings.client_id)
        self._rules = ClaimRules(settings.issuer, frozenset(settings.audiences), settings.leeway_seconds)
        self._client = OutboundClient(settings.timeout_seconds, settings.ca_file)
        self._documents = IssuerDocuments(settings, self._client)
        self._introspection = Introspection(settings, self._rules, self._documents, self._client)

    async def close(self) -> None:
        """Ask nothing more."""
        await self._documents.close()
        await self._client.close()

    def issued(self, token: Jws) -> bool:
        """True if the token says so; nothing is proven by that."""
        return is_same_issuer(token.claims.get("iss"), self.settings.issuer)

    async def facts_of_jwt(self, token: Jws, now: datetime) -> TokenFacts:
        """RFC 9068 section 4: the signature first, then the claims. Raises Refused, IssuerUnavailable."""
        if token.algorithm not in ALGORITHMS:  # `none` and HMACs are not even looked at
            raise Refused(Reason.TOKEN_ALGORITHM)
        keys = await self._documents.keys_for(token)
        if not keys:
            raise Refused(Reason.TOKEN_KEY)
        if not any(key.verifies(token) for key in keys):
            raise Refused(Reason.TOKEN_SIGNATURE)
        return check_claims(token.claims, self._rules, now)

    async def facts_of_opaque(self, token: str, now: datetime, *, narrow: bool) -> TokenFacts:
        """RFC 7662. Raises Refused, IssuerUnavailable."""
        return await self._introspection.facts(token, now, narrow=narrow)

    async def with_userinfo(self, facts: TokenFacts, token: str) -> TokenFacts:
        """The facts with what the userinfo endpoint says (OpenID Connect Core section 5.3); as they are if
        there is none or it does not take this token. Raises Refused, IssuerUnavailable."""
        endpoint = (await self._documents.current()).userinfo_endpoint
        if not endpoint:
            return facts
        try:
            claims = await self._client.get(endpoint, {"Authorization": f"Bearer {token}"})
        except OutboundFailed as error:
            if error.status is not None and error.status < 500:  # a token for us is often not one for it
                return facts
            log.warning("an issuer cannot be asked who it is", issuer=facts.issuer, reason=str(error))
            raise IssuerUnavailable("The issuer of access tokens does not answer.") from None
        return with_profile(facts, claims)

    def speaks_for(self, address: Address) -> bool:
        """True if the operator lets this issuer say whose this address is."""
        return not self.settings.domains or address.domain in self.settings.domains

    def trusts(self, address: Address) -> bool:
        """True if the issuer's having the address is proof enough."""
        return address.domain in self.settings.trusted_domains
