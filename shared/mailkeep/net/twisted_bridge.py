"""Between Twisted's callbacks and asyncio's coroutines, in both directions.

Twisted's own bridge keeps no strong reference to the task that it waits for; `deferred` does. `WriteGate` is
backpressure for coroutines: it waits while the transport's buffer is full. Nothing here may be imported
before the reactor is installed, and nothing here imports the reactor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

Result = TypeVar("Result")

_running: set[asyncio.Task[Any]] = set()


class PeerGone(ConnectionError):
    """The connection was lost while a coroutine waited to write."""


class ending_if_reset:  # noqa: N801  used as a statement
    """Around every call of a transport that may write or read.

    uvloop closes the handle of a connection that was reset, and if Twisted is about to write just then it
    never hears of the loss: the call fails with RuntimeError and `connectionLost` never comes. `end` is then
    called from the loop; it should abort the connection. A class, because a generator costs each reply two
    microseconds.
    """

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is None or not issubclass(kind, RuntimeError):
            return False
        asyncio.get_running_loop().call_soon(self._end)
        return True


def deferred(coro: Coroutine[Any, Any, Result]) -> Deferred[Result]:
    """Run a coroutine as an asyncio task, held until it ends; cancelling the Deferred cancels the task."""
    task = asyncio.get_running_loop().create_task(coro)

    def cancel(_cancelled: Deferred[Result]) -> None:
        task.cancel()

    result: Deferred[Result] = Deferred(cancel)
    _running.add(task)

    def done(ended: asyncio.Task[Result]) -> None:
        _running.discard(ended)
        if result.called:
            return
        if ended.cancelled():
            result.errback(DeferredCancelled())
        elif error := ended.exception():
            result.errback(error)
        else:
            result.callback(ended.result())

    task.add_done_callback(done)
    return result


@implementer(IPushProducer)
class WriteGate:
    """Lets a coroutine wait until a transport takes more. One per connection; `attach` it once at the start.

    Twisted re-registers it by itself when the connection changes to TLS.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._gone = False

    def attach(self, transport: Any) -> None:
        """Begin to follow the buffer of this transport (an IConsumer, which TCP and TLS transports are)."""
        transport.registerProducer(self, True)

    @property
    def is_open(self) -> bool:
        """True if a write now would not wait."""
        return self._open.is_set() and not self._gone

    async def wait(self, timeout: float) -> None:
        """Return when the buffer has room. Raises PeerGone, and TimeoutError after `timeout` seconds: then
        the peer takes nothing, and the connection should be dropped."""
        if not self._open.is_set():
            async with asyncio.timeout(timeout):
                await self._open.wait()
        if self._gone:
            raise PeerGone("The connection was lost.")

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's name
        """The transport's buffer is full."""
        self._open.clear()

    def resumeProducing(self) -> None:  # noqa: N802  Twisted's name
        """The transport's buffer has room again."""
        self._open.set()

    def stopProducing(self) -> None:  # noqa: N802  Twisted's name
        """The connection is lost: whoever waits hears it at once."""
        self._gone = True
        self._open.set()
