"""By which names this server may be asked for: `[api] allowed_hosts`. Any, if it names none.

A page of another site cannot then have a browser reach us by a name of its own (DNS rebinding), and nothing
here is made from a name that a client invented.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from mailkeep_api.errors import problem


def is_named(host: str, allowed: Iterable[str]) -> bool:
    """True for one of the names, in any case and with any port; `*.example.net` is every name below it."""
    name = host.strip().lower()
    if not name.endswith("]"):  # an IPv6 address without a port
        head, colon, port = name.rpartition(":")
        name = head if colon and (port.isdigit() or not port) else name
    for each in allowed:
        wanted = each.lower()
        if name == wanted or (wanted.startswith("*.") and name.endswith(wanted[1:]) and name != wanted[1:]):
            return True
    return False


class AllowedHosts:
    """ASGI middleware: 400 for every other name, and no WebSocket."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        # RFC 9112 section 3.2: several Host fields are answered by 400.
        if len(given) == 1 and is_named(given[0].decode("latin-1"), self._allowed):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await problem(400, "This server is not known by that name.")(scope, receive, send)
