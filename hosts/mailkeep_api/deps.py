"""What a route may ask for: the caller, proven, with a scope that opens the route.

Two refusals, and only these: 401 for a credential that the API does not take at all (none, wrong, or a key
that was made for mail protocols alone), 403 for one that it takes but that lacks this route's scope.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request

from mailkeep.auth import Authenticator
from mailkeep.errors import AuthenticationFailed, PermissionRefused
from mailkeep.model.principal import Credential, CredentialKind, Peer, Principal
from mailkeep.model.scope import API_SCOPES, Scope
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_api.hub import Hub
from mailkeep_api.rates import RateClass, Rates
from mailkeep_api.sessions.door import BrowserDoor

CREDENTIAL_LIMIT = 16 * 1024  # characters of a bearer token
_SCHEMES = ("bearer", "apikey")


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with; one per process, kept in `app.state.services`."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    hub: Hub
    browser: BrowserDoor
    rates: Rates = field(default_factory=Rates)


def services_of(request: Request) -> Services:
    """The process's services."""
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]


def credential_of(request: Request) -> Credential:
    """The credential in `Authorization: Bearer …` or `Authorization: ApiKey …`.

    Raises AuthenticationFailed if there is none, or none of a scheme that we know.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() not in _SCHEMES or not secret or len(secret) > CREDENTIAL_LIMIT:
        raise AuthenticationFailed("Send an API key or an access token in the Authorization header.")
    return Credential(CredentialKind.BEARER, "", secret, mechanism=scheme.lower())


def peer_of(request: Request) -> Peer:
    """The client's end of the connection."""
    client = request.client
    tls = request.url.scheme == "https"
    return Peer(client.host, client.port, tls) if client else Peer("", 0, tls)


async def authenticated(request: Request, services: ServicesDep) -> Principal:
    """The caller, with any of the API's scopes: by credential, or by browser session if there is none.

    Raises AuthenticationFailed, PermissionRefused.
    """
    session = services.browser.session_of(request) if "authorization" not in request.headers else None
    if session is not None and session.principal is not None:
        services.browser.cookies.require_own_page(request, session)
        return session.principal
    return await services.authenticator.authenticate(credential_of(request), API_SCOPES, peer_of(request))


class RequireScope:
    """Dependency: the caller holds at least one of the scopes, else 403."""

    def __init__(self, *any_of: Scope) -> None:
        self.any_of = any_of

    async def __call__(self, principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
        if not principal.may(*self.any_of):
            wanted = " or ".join(scope.value for scope in self.any_of)
            raise PermissionRefused(f"This needs a key with the scope {wanted}.")
        return principal


@dataclass(frozen=True, slots=True)
class UserCaller:
    """A caller who is a user, with the account that holds their mail."""

    principal: Principal
    user_id: UUID
    account_id: int


def _as_user(principal: Principal) -> UserCaller:
    if principal.user_id is None or principal.account_id is None:
        raise PermissionRefused("A service key has no mailbox; use a user's key.")
    return UserCaller(principal, principal.user_id, principal.account_id)


class User:
    """Dependency: a user with one of the scopes, who has not asked too often for routes of this class."""

    def __init__(self, rate: RateClass, *any_of: Scope) -> None:
        self._rate = rate
        self._scopes = RequireScope(*any_of)

    async def __call__(
        self, principal: Annotated[Principal, Depends(authenticated)], services: ServicesDep
    ) -> UserCaller:
        caller = _as_user(await self._scopes(principal))
        services.rates.take(self._rate, caller.user_id, time.monotonic())
        return caller


Reader = Annotated[UserCaller, Depends(User(RateClass.API, Scope.API_READ, Scope.APP))]
Writer = Annotated[UserCaller, Depends(User(RateClass.WRITE, Scope.API_WRITE, Scope.APP))]
PlainReader = Annotated[UserCaller, Depends(User(RateClass.PLAIN, Scope.API_READ, Scope.APP))]
PlainWriter = Annotated[UserCaller, Depends(User(RateClass.PLAIN, Scope.API_WRITE, Scope.APP))]
ExternalReader = Annotated[UserCaller, Depends(User(RateClass.API, Scope.API_READ))]
ExternalWriter = Annotated[UserCaller, Depends(User(RateClass.WRITE, Scope.API_WRITE))]
KeyReader = Annotated[UserCaller, Depends(User(RateClass.AUTH, Scope.API_READ, Scope.APP))]
KeyWriter = Annotated[UserCaller, Depends(User(RateClass.AUTH, Scope.API_WRITE, Scope.APP))]
InternalCaller = Annotated[Principal, Depends(RequireScope(Scope.INTERNAL))]
