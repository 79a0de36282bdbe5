"""One IMAP connection to a server elsewhere: IMAPClient in a thread of its own, awaited from the loop.

IMAPClient is synchronous, complete and tried by many servers; its one thread does one command at a time, as
IMAP does. Every wait has a limit. A caller who is cancelled closes the connection, because an answer that
nobody reads would be taken for the next command's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from mailkeep.upstream import bearer
from mailkeep.upstream.accounts import Transport
from mailkeep.upstream.answers import AnswerReader
from mailkeep.upstream.errors import UpstreamCode, UpstreamError, plain
from mailkeep.upstream.tls import context_for

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 120.0
LOGOUT_SECONDS = 5.0

Result = TypeVar("Result")

logging.getLogger("imapclient").setLevel(logging.WARNING)  # at debug level it writes down what it sends


class ImapConnection:
    """`open`, then `run` and `close`. Not for two tasks at once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._thread = ThreadPoolExecutor(1, f"imap {transport.server.host}")
        self._client: Any = None

    async def open(self, token: str = "") -> None:
        """Connect and log in; `token` in place of the transport's. Raises UpstreamError."""
        try:
            await self._within(CONNECT_SECONDS, lambda: self._open(token))
        except BaseException:
            await self.close()
            raise

    async def run(self, work: Callable[[Any], Result], seconds: float = COMMAND_SECONDS) -> Result:
        """Call `work(client)` in the thread, where client is the IMAPClient. Raises UpstreamError."""
        return await self._within(seconds, lambda: work(self._client))

    async def close(self) -> None:
        """Log out if that goes quickly."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                async with asyncio.timeout(LOGOUT_SECONDS):
                    await asyncio.wrap_future(self._thread.submit(client.logout))
            self._abandon(client)
        self._thread.shutdown(wait=False)

    async def _within(self, seconds: float, work: Callable[[], Result]) -> Result:
        future = asyncio.wrap_future(self._thread.submit(_told, work))
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            self._cut()
            raise UpstreamError(
                UpstreamCode.UNAVAILABLE, f"{self._transport.server.host} did not answer in {seconds:g} s."
            ) from None
        except asyncio.CancelledError:
            self._cut()
            raise

    def _cut(self) -> None:
        """End the connection under the thread, which then fails and is free."""
        client, self._client = self._client, None
        if client is not None:
            self._abandon(client)

    def _abandon(self, client: Any) -> None:
        """End a read under way in the thread; only then its file may be closed, which takes the same lock."""
        with suppress(OSError):
            client.socket().shutdown(socket.SHUT_RDWR)
        self._thread.submit(_closed, client)

    # --- in the thread -----------------------------------------------------------------------------

    def _open(self, token: str) -> None:
        from imapclient import IMAPClient, SocketTimeout  # noqa: PLC0415  150 ms that only its users pay

        server = self._transport.server
        context = None if server.security == "none" else context_for(server)
        client = IMAPClient(
            server.host,
            server.port,
            ssl=server.security == "tls",
            ssl_context=context,
            timeout=SocketTimeout(CONNECT_SECONDS, COMMAND_SECONDS),
        )
        self._client = client
        if server.security == "starttls":
            client.starttls(context)
        _read_widely(client)
        self._log_in(client, token)

    def _log_in(self, client: Any, token: str) -> None:
        transport = self._transport
        offered = {name.decode("ascii", "replace").upper() for name in client.capabilities()}
        if not transport.auth.is_oauth:
            self._with_password(client, offered)
            return
        mechanism = bearer.choose({name.removeprefix("AUTH=") for name in offered})
        if not mechanism:
            raise UpstreamError(UpstreamCode.REFUSED, f"{transport.server.host} takes no OAuth tokens.")
        self._with_token(client, mechanism, token or transport.auth.oauth_token)

    def _with_token(self, client: Any, mechanism: str, token: str) -> None:
        from imapclient.exceptions import LoginError  # noqa: PLC0415

        server, user = self._transport.server, self._transport.user
        refusals: list[bytes] = []

        def answer(challenge: bytes) -> bytes:
            if challenge:
                refusals.append(challenge)
                return bearer.final_response(mechanism)
            return bearer.initial_response(mechanism, user, token, server.host, server.port)

        try:
            client.sasl_login(mechanism, answer)
        except LoginError as error:
            said = bearer.explain(refusals[0]) if refusals else plain(str(error))
            if not refusals and "[UNAVAILABLE]" in str(error):
                raise UpstreamError(UpstreamCode.UNAVAILABLE, f"{server.host}: {said}") from None
            raise UpstreamError(
                UpstreamCode.TOKEN, f"{server.host} refused the token of {user} ({said})."
            ) from None

    def _with_password(self, client: Any, offered: set[str]) -> None:
        from imapclient.exceptions import LoginError  # noqa: PLC0415

        user, password = self._transport.user, self._transport.auth.password
        try:
            if "AUTH=PLAIN" in offered:
                client.plain_login(user, password)
            else:
                client.login(user, password)
        except LoginError as error:
            host, said = self._transport.server.host, str(error)
            if "[UNAVAILABLE]" in said:
                raise UpstreamError(UpstreamCode.UNAVAILABLE, f"{host}: {plain(said)}") from None
            raise UpstreamError(UpstreamCode.PASSWORD, f"{host} refused the password of {user}.") from None


def _read_widely(client: Any) -> None:
    """Between a command's answer and the next command, when nothing lies in imaplib's own buffer."""
    client._imap.file = AnswerReader(client.socket())


def _closed(client: Any) -> None:
    with suppress(Exception):
        client.shutdown()


def _told(work: Callable[[], Result]) -> Result:
    """What imaplib and the socket raise, as ours. Their texts may hold a line that was sent, so of a protocol
    error only its kind is told."""
    try:
        return work()
    except UpstreamError:
        raise
    except OSError as error:  # ssl.SSLError and timeouts among them
        reason = error.strerror or type(error).__name__
        raise UpstreamError(
            UpstreamCode.UNAVAILABLE, f"The IMAP server cannot be reached: {reason}."
        ) from None
    except Exception as error:
        raise _from_imap(error) from None


def _from_imap(error: Exception) -> UpstreamError:
    import imaplib  # noqa: PLC0415

    if isinstance(error, imaplib.IMAP4.abort):
        return UpstreamError(UpstreamCode.UNAVAILABLE, "The IMAP server closed the connection.")
    if isinstance(error, imaplib.IMAP4.error):
        return UpstreamError(UpstreamCode.REFUSED, f"The IMAP server refused: {plain(str(error))}.")
    return UpstreamError(
        UpstreamCode.PROTOCOL, f"The IMAP server broke the protocol: {type(error).__name__}."
    )
