"""The SignalR hub at /hubs/email: the events of /api/events for clients that speak that protocol.

A connection belongs to whoever its `Authorization` field, its `access_token` or its browser's cookie proves;
each transport proves it anew, so that the ids of a negotiation open nothing. A browser may connect before
its user signs in, and hears the user's events from then on. A connection ends within a second of its key's
revocation.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from mailkeep.errors import AuthenticationFailed, MailkeepError, StoreUnavailable
from mailkeep.model.scope import API_SCOPES
from mailkeep_api import errors, signalr
from mailkeep_api.browsers import cookie_of
from mailkeep_api.deps import LISTENING, Services, UserCaller, caller_with, credential_of, peer_of
from mailkeep_api.hub import Stream

router = APIRouter(prefix="/hubs/email", include_in_schema=False)

HANDSHAKE_SECONDS = 15.0
PING_SECONDS = 15.0  # a client gives up after 30 without a word
SILENCE_SECONDS = 60.0  # four of a client's pings
SEND_SECONDS = 30.0  # for a client that does not read


@router.post("/negotiate")
async def negotiate(request: Request) -> JSONResponse:
    """Where to connect. Raises AuthenticationFailed for a credential that is none, and for nobody."""
    await _identity(request.app.state.services, request, "")
    id, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    ours = {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}
    body = {
        "negotiateVersion": 1,
        "connectionId": id,
        "connectionToken": token,
        "availableTransports": [ours],
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


@router.websocket("")
async def email_hub(socket: WebSocket) -> None:
    """One connection, from its proof to its end."""
    services: Services = socket.app.state.services
    try:
        identity = await _identity(services, socket, socket.query_params.get("access_token", ""))
    except MailkeepError as error:
        answer = await errors.domain_error(socket, error)
        await socket.send_denial_response(answer)
        return
    await socket.accept()
    with suppress(WebSocketDisconnect, TimeoutError):
        if await _shook_hands(socket):
            await _Connection(services, socket, identity).run()
        await socket.close()


Identity = UserCaller | str
"""A caller who was proven, or a browser's cookie, whoever it stands for now."""


async def _identity(services: Services, request: Request | WebSocket, access_token: str) -> Identity:
    if access_token or "authorization" in request.headers:
        credential = credential_of(request, access_token)
        principal = await services.authenticator.authenticate(credential, API_SCOPES, peer_of(request))
        return caller_with(services, principal, LISTENING)
    cookie = cookie_of(request.cookies)
    if not cookie or not _same_site(services, request):
        raise AuthenticationFailed("Send an API key or an access token.")
    return cookie


def _same_site(services: Services, request: Request | WebSocket) -> bool:
    """A page of another site cannot use the cookie, whatever its browser makes of SameSite."""
    origin = request.headers.get("origin", "")
    allowed = services.settings.api.cors_origins
    return not origin or origin in allowed or urlsplit(origin).netloc == request.headers.get("host", "")


async def _shook_hands(socket: WebSocket) -> bool:
    async with asyncio.timeout(HANDSHAKE_SECONDS):
        frame = await _frame(socket)
    try:
        signalr.check_handshake(signalr.records(frame)[0])
    except signalr.ProtocolError as error:
        await _send(socket, signalr.refusal(error))
        return False
    await _send(socket, signalr.HANDSHAKE_DONE)
    return True


async def _frame(socket: WebSocket) -> bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", HTTPStatus.OK))
    text: str | None = message.get("text")
    octets: bytes = message["bytes"] if text is None else text.encode()
    return octets


async def _send(socket: WebSocket, octets: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await socket.send_text(octets.decode())


class _Connection:
    """One connection after its handshake: what the client says in one task, what it hears in another."""

    def __init__(self, services: Services, socket: WebSocket, identity: Identity) -> None:
        self._services = services
        self._socket = socket
        self._identity = identity
        self._stream: Stream | None = None
        self._changed = asyncio.Event()  # the browser's cookie stands for somebody else

    async def run(self) -> None:
        """Until either side has had enough."""
        tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._tell())]
        unlisten = self._listen()
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unlisten()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def _listen(self) -> Callable[[], None]:
        if isinstance(self._identity, str):
            return self._services.bound_browsers.listen(self._identity, self._rebound)
        return lambda: None

    def _rebound(self) -> None:
        self._changed.set()
        if self._stream is not None:
            self._stream.close()

    async def _hear(self) -> None:
        """Answer what the client invokes; end at its close, or its silence."""
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                frame = await _frame(self._socket)
            try:
                messages = [signalr.incoming(record) for record in signalr.records(frame)]
            except signalr.ProtocolError as error:
                await _send(self._socket, signalr.close(str(error), allow_reconnect=False))
                return
            for message in messages:
                if message.kind == signalr.Kind.CLOSE:
                    return
                if answer := signalr.answer_to(message):
                    await _send(self._socket, answer)

    async def _tell(self) -> None:
        """Events and pings, until the stream ends for good."""
        while not self._services.hub.closing:
            self._changed.clear()
            caller = self._caller()
            if caller is not None:
                await self._tell_events(caller)
                if not isinstance(self._identity, str) or self._caller() is None:
                    break
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), PING_SECONDS)
                continue
            await _send(self._socket, signalr.PING)
        await _send(self._socket, signalr.close())

    def _caller(self) -> UserCaller | None:
        if isinstance(self._identity, str):
            return self._services.bound_browsers.caller_of(self._identity)
        return self._identity

    async def _tell_events(self, caller: UserCaller) -> None:
        services = self._services
        with suppress(StoreUnavailable):  # then the client comes back by itself
            await services.following.follow(caller.user_id, caller.account_id)
            stream = self._stream = services.hub.subscribe(caller.user_id, encode=signalr.invocation)
            unwatch = services.authenticator.watch(caller.principal, lambda reason: stream.close())
            try:
                while (records := await stream.next(PING_SECONDS)) is not None:
                    await _send(self._socket, records or signalr.PING)
            finally:
                unwatch()
                services.hub.unsubscribe(stream)
