"""A TCP transport for Twisted that reads without detours, and writes a reply at once.

Twisted's own only notes what is to be written and asks the loop to say when the socket takes it, which it
nearly always does: two changes to epoll's set and a turn of the loop, for each reply. Here the socket is
asked first, and the loop only for what it did not take. What a slow client has not read is bounded as before:
a producer is paused past Twisted's buffer size, and nothing is tried at once while it is.

Twisted's reactor enters a logging context and looks the connection up each time that octets come, which costs
ten microseconds of the sixty that a short command and its reply take, and passing a reply through its buffer
another five. Nobody here writes to Twisted's log, so the loop calls the transport itself; what ends a
connection is still the reactor's to see and to tell.
"""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet.tcp import Port, Server
from twisted.python.failure import Failure

from mailkeep.observe.logs import cause_of, get_logger

log = get_logger(__name__)


def write_at_once(port: Port) -> None:
    """Have a listening port make such transports. Before it accepts its first connection."""
    made: Any = PromptServer  # the attribute is documented, and typed as one class of Twisted's
    port.transport = made


class PromptServer(Server):
    """See the module. Twisted's buffer and its states stay as they are: only who calls `doWrite` differs."""

    _awaited = False  # the reactor will call doWrite
    _watched = -1  # the descriptor that the loop watches for us, while it does

    def startReading(self) -> None:  # noqa: N802  Twisted's name
        """Take octets as they come."""
        if self._watched < 0:
            descriptor = self.fileno()
            asyncio.get_running_loop().add_reader(descriptor, self._readable)
            self._watched = descriptor

    def stopReading(self) -> None:  # noqa: N802  Twisted's name
        """Take nothing, for now or for ever."""
        if self._watched >= 0:
            descriptor, self._watched = self._watched, -1
            asyncio.get_running_loop().remove_reader(descriptor)
        super().stopReading()  # type: ignore[no-untyped-call]

    def _readable(self) -> None:
        try:
            data = self.socket.recv(self.bufferSize)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            # The end, or an error of the socket: the reactor sees it again, and tells whom it concerns.
            self.stopReading()
            super().startReading()  # type: ignore[no-untyped-call]
            return
        try:
            protocol: Any = self.protocol
            protocol.dataReceived(data)
        except Exception as error:  # a fault of ours ends this connection, and no other
            log.error("octets could not be taken in", **cause_of(error))
            self.connectionLost(Failure(error))  # type: ignore[no-untyped-call]

    def write(self, data: bytes) -> None:
        """Send what the socket takes now; only what it does not take is buffered, and paused for."""
        waits = self._awaited or self._tempDataLen or self.producerPaused
        if waits or self.TLS or self._aborting or self._writeDisconnected or not self.connected:
            super().write(data)  # type: ignore[no-untyped-call]
            return
        try:
            sent = self.socket.send(data)
        except OSError:  # it is full; or an error, told again to the reactor: see `startWriting`
            sent = 0
        if sent != len(data):
            super().write(data[sent:])  # type: ignore[no-untyped-call]

    def startWriting(self) -> None:  # noqa: N802  Twisted's name
        """There is something to write, or the connection is to be closed once all is written."""
        if not self._awaited and self._tempDataLen and not self.producerPaused:
            # An error is told again to the reactor, which ends the connection outside of the caller's frames.
            self.doWrite()  # type: ignore[no-untyped-call]
            if not self.dataBuffer and not self._tempDataLen:
                return
        self._awaited = True
        super().startWriting()  # type: ignore[no-untyped-call]

    def stopWriting(self) -> None:  # noqa: N802  Twisted's name
        """All is written, or the connection is gone."""
        if self._awaited:
            self._awaited = False
            super().stopWriting()  # type: ignore[no-untyped-call]
