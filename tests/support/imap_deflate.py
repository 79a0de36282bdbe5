"""The client's side of COMPRESS=DEFLATE (RFC 4978)."""

from __future__ import annotations

import socket
import zlib
from typing import Any, cast

from tests.support.imap_host import Client


class DeflatedSocket:
    """A socket whose octets are compressed both ways."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain
        self._deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self._inflater = zlib.decompressobj(-15)

    def sendall(self, octets: bytes) -> None:
        """Compressed and flushed."""
        self.plain.sendall(self._deflater.compress(octets) + self._deflater.flush(zlib.Z_SYNC_FLUSH))

    def recv(self, size: int) -> bytes:
        """Inflated; empty at the end."""
        while octets := self.plain.recv(size):
            if piece := self._inflater.decompress(octets):
                return piece
        return b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def deflate(client: Client) -> None:
    """Go on compressed."""
    client.socket = cast("socket.socket", DeflatedSocket(client.socket))
