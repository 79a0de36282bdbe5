"""How whoever started a host hears that it is ready: the service manager's own protocol, sd_notify(3).

`mailkeep up` and the parent of workers use it. Each process gets a datagram socket of its own in a directory
that only this user can enter.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from mailkeep.net import sdnotify


class NoticeSocket(asyncio.DatagramProtocol):
    """Receives one process's notices and hands their fields to `heard`."""

    def __init__(self, path: Path, heard: Callable[[Mapping[str, str]], None]) -> None:
        self.path = path
        self._heard = heard
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Make the socket. Raises OSError."""
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.setblocking(False)
        receiver.bind(str(self.path))
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, sock=receiver
        )

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """One notice: NAME=value lines."""
        self._heard(sdnotify.parse(data))
