"""What goes on after a route: a stream that is open for hours does not stand at the bottom of the framework's
thirty frames, and keeps nothing alive of what found its route.

The route sends the answer's head through all of them, and leaves the rest to be sent from here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

Work: TypeAlias = Callable[[Receive, Send], Awaitable[None]]

_KEY = "mailkeep.afterwards"


def go_on(scope: Scope, work: Work) -> None:
    """Have `work` done once the route, and all that is around it, has returned; it ends the answer."""
    scope[_KEY] = work


class Afterwards:
    """ASGI middleware, outside of the framework."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        given = dict(scope)
        await self._app(scope, receive, send)
        work: Work | None = scope.get(_KEY)
        if work is not None:
            scope.clear()  # of what the framework has noted for the route, and of the room for it
            scope.update(given)
            del given
            await work(receive, send)
