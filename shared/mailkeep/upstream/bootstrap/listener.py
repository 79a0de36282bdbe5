"""A listener for one redirect (RFC 8252 section 7.3): it answers on loopback until the browser comes back.

It takes the first request for the right path and gives its query to whoever waits. Everything else gets 404;
nothing that was sent is shown back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from mailkeep.upstream.errors import UpstreamCode, UpstreamError

HEAD_LIMIT = 16 * 1024  # octets
HEAD_SECONDS = 10.0
_DONE = b"<!doctype html><title>Mailkeep</title><p>Signed in. You may close this page."


@asynccontextmanager
async def redirect_listener(host: str, port: int, path: str) -> AsyncIterator[asyncio.Future[str]]:
    """A future of the query string. Raises UpstreamError if the port cannot be listened on."""
    returned: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0]
                writer.write(_answer(line, path, returned))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, host, port, limit=HEAD_LIMIT)
    except OSError as error:
        raise UpstreamError(
            UpstreamCode.CONFIG,
            f"Port {port} cannot be listened on ({error.strerror}): choose another REDIRECT_URI.",
        ) from None
    try:
        yield returned
    finally:
        server.close()
        returned.cancel()


def _answer(line: bytes, path: str, returned: asyncio.Future[str]) -> bytes:
    words = line.split(b" ")
    target = urlsplit(words[1].decode("ascii", "replace")) if len(words) == 3 else None
    if target is None or words[0] != b"GET" or target.path != path or not target.query:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    if not returned.done():
        returned.set_result(target.query)
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
        b"Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n"
        b"Connection: close\r\n"
    )
    return head + b"Content-Length: %d\r\n\r\n" % len(_DONE) + _DONE
