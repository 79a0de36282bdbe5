"""What sends to an account elsewhere is gone once it is closed, also where the server leaves the end of TLS
unanswered: uvloop's transports are no subclasses of asyncio's, and were never aborted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import trustme

from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.smtp_client import SmtpConnection

SECONDS = 5.0


class DeafServer:
    """Refuses the login, says goodbye, and does nothing about TLS from then on."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.saw_the_end = False

    def serve(self) -> None:
        plain, _ = self._listener.accept()
        with self._context.wrap_socket(plain, server_side=True) as connection:
            connection.sendall(b"220 deaf.test ESMTP\r\n")
            lines = connection.makefile("rb")
            while line := lines.readline():
                connection.sendall(_answer(line))
                if line.upper().startswith(b"QUIT"):
                    break
            self.saw_the_end = _ends(connection.fileno())

    def close(self) -> None:
        self._listener.close()


def _answer(line: bytes) -> bytes:
    match line[:4].upper():
        case b"EHLO":
            return b"250-deaf.test\r\n250 AUTH PLAIN\r\n"
        case b"AUTH":
            return b"535 5.7.8 no\r\n"
        case b"QUIT":
            return b"221 2.0.0 bye\r\n"
    return b"250 2.0.0 ok\r\n"


def _ends(descriptor: int) -> bool:
    """Whether the peer ends the connection, below TLS."""
    with socket.socket(fileno=os.dup(descriptor)) as below:
        below.settimeout(SECONDS)
        try:
            while below.recv(4096):
                pass
        except TimeoutError:
            return False
        except ConnectionResetError:
            pass
    return True


@contextmanager
def deaf_server(path: Path) -> Iterator[tuple[DeafServer, Server]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = DeafServer(context)
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server, Server("127.0.0.1", server.port, "tls", str(path))
        thread.join(2 * SECONDS)
    finally:
        server.close()


async def test_a_closed_connection_is_gone(tmp_path: Path) -> None:
    with deaf_server(tmp_path / "ca.pem") as (server, place):
        connection = SmtpConnection(Transport(place, "ann", AuthConfig("wrong")), "here.test")
        with pytest.raises(UpstreamError):
            await connection.open()
        async with asyncio.timeout(3 * SECONDS):
            while not server.saw_the_end:
                await asyncio.sleep(0.01)
