"""Waiting at a folder elsewhere until it has news, by IDLE (RFC 2177).

IDLE tells of what comes after SELECT; what came between a sync and SELECT shows in how the folder looks.
IMAPClient's own waiting takes the end of a connection for silence, and an answer that comes before the
server's `+` for an error, so only its parts are used. What the news are is the next sync's business.
"""

from __future__ import annotations

import ssl
import time
from functools import partial
from typing import Any

from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.imap_client import ImapConnection

SLICE_SECONDS = 60.0
LIMIT_SECONDS = 540.0  # RFC 2177 says 29 minutes; what stands between forgets a connection sooner
DONE_SECONDS = 10.0
SPARE_SECONDS = 30.0  # for an answer, beyond the time that is waited for one


async def has_idle(connection: ImapConnection) -> bool:
    """Whether the server offers it to who is logged in."""
    return bool(await connection.run(lambda client: client.has_capability("IDLE")))


async def look(connection: ImapConnection, folder: str) -> object:
    """Select a folder; how it looks, to be compared with how it looked. Raises UpstreamError."""
    return await connection.run(partial(_looks, folder))


async def wait_for_news(connection: ImapConnection, seconds: float) -> bool:
    """Whether the selected folder had news within so many seconds. Raises UpstreamError; news that were heard
    count even if the connection breaks then."""
    until = time.monotonic() + min(seconds, LIMIT_SECONDS)
    news = await connection.run(_begin)
    while not news and (left := until - time.monotonic()) > 0:
        left = min(SLICE_SECONDS, left)
        news = await connection.run(partial(_heard, left), left + SPARE_SECONDS)
    try:
        await connection.run(lambda client: client.idle_done(), DONE_SECONDS)
    except UpstreamError:
        if not news:
            raise
    return news


def _looks(folder: str, client: Any) -> object:
    answer = client.select_folder(folder, readonly=True)
    return [answer.get(name) for name in (b"UIDVALIDITY", b"EXISTS", b"UIDNEXT", b"HIGHESTMODSEQ")]


def _begin(client: Any) -> bool:
    """Whether the server told news before it began to wait, as it may at any time (RFC 9051 section 7)."""
    imap = client._imap
    imap.untagged_responses = {}
    tag = client._idle_tag = imap._command("IDLE")
    while imap._get_response() is not None:  # None is the `+`
        if imap.tagged_commands[tag] is not None:
            raise UpstreamError(UpstreamCode.REFUSED, "The IMAP server refused IDLE.")
    return bool(imap.untagged_responses)


def _heard(seconds: float, client: Any) -> bool:
    """IMAPClient polls the socket: what was read in one go with something before it is asked for first."""
    sock = client.socket()
    timeout = sock.gettimeout()
    sock.setblocking(False)
    try:
        if client._imap.file.peek():
            return True
    except (BlockingIOError, ssl.SSLWantReadError):  # nothing there yet
        return bool(client.idle_check(seconds))
    finally:
        sock.settimeout(timeout)
    raise UpstreamError(UpstreamCode.UNAVAILABLE, "The IMAP server closed the connection.")
