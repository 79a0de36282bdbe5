"""A sign-in from the first click to the session: authorize, callback, and the trail of both.

The order of a callback: the state is used up, the browser is the one that began, the provider did not refuse,
the code is worth a token, the token is worth something here. Whatever fails, the browser hears one of few
plain sentences and the audit log why.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from mailkeep.auth import Authenticator
from mailkeep.auth.audit import AuditLog, printable
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.errors import AuthenticationFailed, IssuerUnavailable, NotFound, Refusal
from mailkeep.model.principal import Credential, CredentialKind, Peer, Principal
from mailkeep.model.scope import API_SCOPES
from mailkeep.net.limits import network_of
from mailkeep.net.outbound import OutboundFailed
from mailkeep.observe.correlation import current_session
from mailkeep.observe.logs import get_logger
from mailkeep.settings_sessions import ProviderSettings
from mailkeep.storage.interface import AuditRecord
from mailkeep_api.sessions.attempts import Attempt, Attempts, digest_of, random_word
from mailkeep_api.sessions.browser import BrowserSessions, Connection, Seen, Session
from mailkeep_api.sessions.exchange import Granted, exchange
from mailkeep_api.sessions.providers import Provider

CALLBACK_PATH = "/oauth/callback"
AGENT_LIMIT = 300  # characters that are kept of what a browser calls itself

log = get_logger(__name__)


class SignInFailed(Refusal):
    """The sign-in came to nothing; the sentence is for the person."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and the word that proves that it is the same when it comes back."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brought back, as it stands in the address. All of it may be invented."""

    state: str
    code: str
    error: str
    issuer: str
    browser: str
    session_id: str
    peer: Peer
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The new session and where its browser wanted to go."""

    session_id: str
    session: Session
    return_to: str


class SignIns:
    """One a process. `public_url` is the API's own address as browsers know it."""

    def __init__(
        self,
        providers: tuple[ProviderSettings, ...],
        public_url: str,
        sessions: BrowserSessions,
        authenticator: Authenticator,
        audit: AuditLog,
    ) -> None:
        self.providers: Mapping[str, Provider] = {one.name: Provider(one) for one in providers}
        self._redirect = public_url.rstrip("/") + CALLBACK_PATH
        self._sessions = sessions
        self._authenticator = authenticator
        self._audit = audit
        self._attempts = Attempts()

    async def begin(self, name: str, return_to: str, peer: Peer) -> Begun:
        """Raises NotFound for a provider that is not configured, SignInFailed if it does not answer."""
        provider = self.providers.get(name)
        if provider is None:
            raise NotFound("There is no such way to sign in here.")
        browser = random_word()
        attempt = Attempt(name, return_to, network_of(peer.host), time.monotonic(), digest_of(browser))
        try:
            endpoints = await provider.endpoints()
        except OutboundFailed as error:
            self._record(name, "", peer, str(error))
            raise SignInFailed(f"{name} does not answer; try again in a minute.") from None
        self._attempts.begin(attempt)
        query = {
            **provider.parameters,
            "response_type": "code",
            "client_id": provider.settings.client_id,
            "redirect_uri": self._redirect,
            "scope": provider.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in endpoints.authorization else "?"
        return Begun(f"{endpoints.authorization}{joint}{urlencode(query)}", browser)

    async def finish(self, returned: Returned) -> SignedIn:
        """Raises SignInFailed, Throttled, StoreUnavailable."""
        attempt = self._attempts.take(returned.state, time.monotonic())
        if attempt is None or not attempt.is_of(returned.browser):
            self._record(attempt.provider if attempt else "", "", returned.peer, "state unknown or used")
            raise SignInFailed("This sign-in is over or was begun elsewhere; please begin again.")
        provider = self.providers[attempt.provider]
        now = datetime.now(UTC)
        granted = await self._granted(provider, attempt, returned, now)
        if provider.kind.signs_in:
            principal = await self._principal(provider, granted, returned.peer)
            opened = self._sessions.sign_in(
                returned.session_id, principal, now, _seen(returned.peer, returned.agent)
            )
        else:
            connection = Connection(provider.name, granted.address, granted.access_token, granted.expires_at)
            opened = self._sessions.connect(returned.session_id, connection, now)
            self._record(provider.name, granted.address, returned.peer, "")
        return SignedIn(*opened, attempt.return_to)

    async def with_key(self, key: str, session_id: str, peer: Peer, agent: str = "") -> SignedIn:
        """A session for whoever has an API key of their own that opens the API. Raises AuthenticationFailed,
        Throttled, StoreUnavailable."""
        credential = Credential(CredentialKind.BEARER, "", key, mechanism="browser:key")
        principal = await self._authenticator.authenticate(credential, API_SCOPES, peer)
        if principal.user_id is None:
            raise AuthenticationFailed("A service key signs nobody in.")
        opened = self._sessions.sign_in(session_id, principal, datetime.now(UTC), _seen(peer, agent))
        return SignedIn(*opened, "/")

    def left(self, session: Session, peer: Peer) -> None:
        """Note that somebody signed out."""
        principal = session.principal
        self._record("sign-out", principal.address if principal else "", peer, "", principal)

    def clean(self) -> None:
        """Forget sign-ins that nobody came back from."""
        self._attempts.clean(time.monotonic())

    async def close(self) -> None:
        """Let go of the providers."""
        for provider in self.providers.values():
            await provider.close()

    async def _granted(
        self, provider: Provider, attempt: Attempt, returned: Returned, now: datetime
    ) -> Granted:
        try:
            if returned.error or not returned.code:
                raise OutboundFailed(f"the provider said {printable(returned.error) or 'nothing'}")
            issuer = provider.settings.issuer
            if returned.issuer and issuer and not is_same_issuer(returned.issuer, issuer):  # RFC 9207
                raise OutboundFailed("another issuer answered")
            return await exchange(provider, attempt, returned.code, self._redirect, now)
        except OutboundFailed as error:
            self._record(provider.name, "", returned.peer, str(error))
            if returned.error == "access_denied":  # RFC 6749 section 4.1.2.1
                raise SignInFailed("You did not agree, so nothing was connected.") from None
            raise SignInFailed(f"{provider.name} did not confirm this sign-in; please begin again.") from None

    async def _principal(self, provider: Provider, granted: Granted, peer: Peer) -> Principal:
        """Who the issuer's token is here: asked of the one door, which also writes the audit row."""
        credential = Credential(
            CredentialKind.BEARER, "", granted.access_token, mechanism=f"browser:{provider.name}"
        )
        try:
            principal = await self._authenticator.authenticate(credential, API_SCOPES, peer)
        except AuthenticationFailed:
            raise SignInFailed("You are signed in there, but that opens nothing here.") from None
        except IssuerUnavailable:
            raise SignInFailed(f"{provider.name} does not answer; try again in a minute.") from None
        ends_at = min(granted.expires_at, principal.expires_at or granted.expires_at)
        return replace(principal, expires_at=ends_at)

    def _record(
        self, what: str, address: str, peer: Peer, reason: str, principal: Principal | None = None
    ) -> None:
        row = AuditRecord(
            at=datetime.now(UTC),
            host="api",
            mechanism=f"browser:{what}",
            address=printable(address),
            network=printable(peer.host),
            outcome="failure" if reason else "success",
            reason=printable(reason),
            user_id=principal.user_id if principal else None,
            session=current_session(),
        )
        self._audit.record(row)
        if reason:
            log.info("browser sign-in failed", mechanism=row.mechanism, network=row.network, reason=reason)


def _seen(peer: Peer, agent: str) -> Seen:
    return Seen(printable(peer.host), printable(agent)[:AGENT_LIMIT])
