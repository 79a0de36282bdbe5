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
from fastapi.requests import HTTPConnection

from mailkeep.auth import Authenticator
from mailkeep.delivery.signing import Signer
from mailkeep.errors import AuthenticationFailed, PermissionRefused
from mailkeep.model.principal import Credential, CredentialKind, Peer, Principal
from mailkeep.model.scope import API_SCOPES, Scope
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_api.assistant.server import AssistantServer
from mailkeep_api.browsers import Browsers, cookie_of
from mailkeep_api.event_streams import EventStreams
from mailkeep_api.following import Following
from mailkeep_api.hub import Hub
from mailkeep_api.pushing.pusher import Pusher
from mailkeep_api.rates import RateClass, Rates
from mailkeep_api.ready_lists import ReadyLists
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
    following: Following
    bound_browsers: Browsers
    pusher: Pusher
    signer: Signer
    assistant: AssistantServer
    ready_lists: ReadyLists
    rates: Rates = field(default_factory=Rates)
    event_streams: EventStreams = field(default_factory=EventStreams)


async def services_of(request: Request) -> Services:
    """The process's services. Like every dependency it is a coroutine function: the framework runs any other
    kind in a thread, which costs more than most of them do."""
    return cast(Services, request.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]


def credential_of(request: HTTPConnection, access_token: str = "") -> Credential:
    """The credential in `Authorization: Bearer …` or `Authorization: ApiKey …`; else `access_token`, which a
    WebSocket's client puts into the query.

    Raises AuthenticationFailed if there is none, or none of a scheme that we know.
    """
    given = request.headers.get("authorization", f"Bearer {access_token}" if access_token else "")
    scheme, _, secret = given.partition(" ")
    secret = secret.strip()
    if scheme.lower() not in _SCHEMES or not secret:
        raise AuthenticationFailed("Send an API key or an access token in the Authorization header.")
    secret = secret[: CREDENTIAL_LIMIT + 1]  # too long to be taken for good, and still an attempt to be noted
    return Credential(CredentialKind.BEARER, "", secret, mechanism=scheme.lower())


def peer_of(request: HTTPConnection) -> Peer:
    """The client's end of the connection, or of the one to a trusted proxy in front of us (`forwarded`)."""
    host, port = request.scope["client"] or ("", 0)
    return Peer(host, port, request.scope["scheme"] in {"https", "wss"})


async def authenticated(request: Request, services: ServicesDep) -> Principal:
    """The caller, with any of the API's scopes: by credential, or by browser session if there is none.

    Raises AuthenticationFailed, PermissionRefused.
    """
    session = services.browser.session_of(request) if "authorization" not in request.headers else None
    if session is not None and session.principal is not None:
        services.browser.cookies.require_own_page(request, session)
        return session.principal
    return await services.authenticator.authenticate(credential_of(request), API_SCOPES, peer_of(request))


def _with_scope(principal: Principal, any_of: tuple[Scope, ...]) -> Principal:
    if not principal.may(*any_of):
        wanted = " or ".join(scope.value for scope in any_of)
        raise PermissionRefused(f"This needs a key with the scope {wanted}.")
    return principal


class RequireScope:
    """Dependency: the caller holds at least one of the scopes, else 403."""

    def __init__(self, *any_of: Scope) -> None:
        self.any_of = any_of

    async def __call__(self, principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
        return _with_scope(principal, self.any_of)


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


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route, and in which class their requests are counted."""

    rate: RateClass
    any_of: tuple[Scope, ...]


LISTENING = Rule(RateClass.API, (Scope.API_READ, Scope.APP))


def caller_with(services: Services, principal: Principal, rule: Rule) -> UserCaller:
    """The user behind a principal, if the rule lets them pass. Raises PermissionRefused, TooManyRequests."""
    caller = _as_user(_with_scope(principal, rule.any_of))
    services.rates.take(rule.rate, caller.user_id, time.monotonic())
    return caller


class User:
    """Dependency: a user with one of the scopes, who has not asked too often for routes of this class. The
    browser that sent its cookie beside their credential is theirs from now on. It asks for the request alone:
    each dependency of a dependency costs every request more than what it does."""

    def __init__(self, rate: RateClass, *any_of: Scope) -> None:
        self._rule = Rule(rate, any_of)

    async def __call__(self, request: Request) -> UserCaller:
        services: Services = request.app.state.services
        caller = caller_with(services, await authenticated(request, services), self._rule)
        proven = "cookie" in request.headers and "authorization" in request.headers
        if proven and (cookie := cookie_of(request.cookies)):
            services.bound_browsers.bind(cookie, caller)
        return caller


async def file_reader(request: Request, services: ServicesDep) -> UserCaller:
    """Dependency of attachments, which a page opens without a header of its own: a reader by credential, or
    by the browser's cookie if there is no credential."""
    if "authorization" not in request.headers and (cookie := cookie_of(request.cookies)):
        known = services.bound_browsers.caller_of(cookie)
        if known is not None:
            return caller_with(services, known.principal, LISTENING)
    return caller_with(services, await authenticated(request, services), LISTENING)


read_by = User(RateClass.API, Scope.API_READ, Scope.APP)
FileReader = Annotated[UserCaller, Depends(file_reader)]
Reader = Annotated[UserCaller, Depends(read_by)]
Writer = Annotated[UserCaller, Depends(User(RateClass.WRITE, Scope.API_WRITE, Scope.APP))]
PlainReader = Annotated[UserCaller, Depends(User(RateClass.PLAIN, Scope.API_READ, Scope.APP))]
PlainWriter = Annotated[UserCaller, Depends(User(RateClass.PLAIN, Scope.API_WRITE, Scope.APP))]
Subscriber = Annotated[UserCaller, Depends(User(RateClass.API, Scope.API_WRITE, Scope.APP))]
ExternalReader = Annotated[UserCaller, Depends(User(RateClass.API, Scope.API_READ))]
ExternalWriter = Annotated[UserCaller, Depends(User(RateClass.WRITE, Scope.API_WRITE))]
KeyReader = Annotated[UserCaller, Depends(User(RateClass.AUTH, Scope.API_READ, Scope.APP))]
KeyWriter = Annotated[UserCaller, Depends(User(RateClass.AUTH, Scope.API_WRITE, Scope.APP))]
InternalCaller = Annotated[Principal, Depends(RequireScope(Scope.INTERNAL))]
