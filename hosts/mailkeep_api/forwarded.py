"""Who is behind a reverse proxy, and whether they came by TLS: `X-Forwarded-For` and `X-Forwarded-Proto`,
believed from those alone whom the operator trusts (`trusted_proxies` in `[net]` and `[api]`).

Loopback is no exception: who else has a place on this machine could name any client there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from starlette.types import ASGIApp, Receive, Scope, Send

from mailkeep.auth.rules import parse_host
from mailkeep.net.networks import Networks

_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


class Forwarded:
    """ASGI middleware: all that is within it sees the client instead of the proxy."""

    def __init__(self, app: ASGIApp, proxies: Networks) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        client = scope.get("client")
        if client and client[0] in self._proxies:
            self._believe(scope)
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope) -> None:
        told = behind(_values(scope, _FOR), self._proxies)
        if told:
            scope["client"] = (told, 0)  # of the client's port a proxy says nothing
        for scheme in _values(scope, _PROTO):
            scope["scheme"] = _SCHEMES[scope["type"]].get(scheme.strip().lower(), scope["scheme"])


def behind(forwarded: Iterable[str], proxies: Networks) -> str:
    """Whom the outermost trusted proxy saw: the last address that is none of theirs. What stands before it a
    client can have written itself. "" if there is none, or if it is no address."""
    seen = [each.strip() for each in ",".join(forwarded).split(",")]
    host = next((each for each in reversed(seen) if each not in proxies), "")
    return host if parse_host(host) is not None else ""


def _values(scope: Scope, wanted: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for name, value in scope["headers"] if name == wanted)
