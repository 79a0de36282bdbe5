"""One SMTP connection: octets, replies, deadlines, TLS and its end. What commands mean is the session's.

aiosmtpd's own loop reads a line at a time, waits after every reply and is cancelled when the client
goes; this one takes its place. Replies to pipelined commands leave in one write (RFC 2920 section 3.2).
The client's going never cancels anything: a message whose end has arrived is delivered or not, and the
loop notices the loss at its next wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeAlias, cast

from aiosmtpd.smtp import SMTP

from mailkeep.errors import TooManyConnections
from mailkeep.model.principal import Peer
from mailkeep.net.proxy_protocol import Source
from mailkeep.observe.correlation import new_session_id, session_context
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.observe.timed import timed
from mailkeep.smtp.commands import HTTP_METHODS, parse_command
from mailkeep.smtp.errors import (
    CommandUnknown,
    Ending,
    LineTooLong,
    NotSmtp,
    TimedOut,
    TooManyErrors,
    is_fault,
    reply_for,
)
from mailkeep.smtp.replies import Reply, reply
from mailkeep_smtp.context import Listener, Services
from mailkeep_smtp.inlet import Disconnected, Inlet

HANDSHAKE_SECONDS = 30.0
SHUTDOWN_SECONDS = 5.0  # for the client's close_notify
LINGER_SECONDS = 10.0  # for the last reply to be taken
BATCH_LIMIT = 100  # replies in one write; after as many the other connections have their turn

_AT_THEIR_PACE = frozenset({"DATA", "BDAT", "BURL", "AUTH", "STARTTLS"})
"""Commands within which the client speaks. A message's own time is what passes after its last octet."""

_Command: TypeAlias = Callable[[Any, str], Awaitable[Reply | None]]

log = get_logger(__name__)


class Connection(SMTP):
    """The transport half of the session: see the module."""

    protocol = "ESMTP"
    _commands: ClassVar[Mapping[str, _Command]] = {}  # by verb, as aiosmtpd names their methods

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found = (name for name in dir(cls) if name.startswith("smtp_"))
        cls._commands = {name.removeprefix("smtp_"): getattr(cls, name) for name in found}

    def __init__(
        self,
        listener: Listener,
        services: Services,
        release: Callable[[], None] | None = None,
        source: Source | None = None,
    ) -> None:
        """`release` gives back the place of a connection that was counted when it was accepted. `source` is
        whom a trusted proxy speaks for."""
        # Not aiosmtpd's constructor: it looks through all attributes of the session and of its handler for
        # commands and hooks, which took half of a connection's time, and makes a reader that nobody reads.
        self.loop = asyncio.get_running_loop()
        self.hostname = services.settings.hostname
        self.listener = listener
        self.services = services
        self.inlet = Inlet(self.loop)
        self.session_id = new_session_id()
        self._wire: asyncio.Transport
        self.peer = Peer("")
        self.door = ""  # whose connection it is, whomever XCLIENT names later
        self.served: asyncio.Task[None] | None = None
        self.cipher = ""
        self._replies: list[bytes] = []
        self._errors = 0
        self._ending: Ending | None = None
        self._idle = False
        self._clogged: asyncio.Future[None] | None = None
        self._lost = False
        self._closing = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._release = release
        self._source = source

    # --- what the transport calls -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)
        self.services.open_sessions.add(self)
        self.served = self.services.tasks.spawn(
            self._handle_client(),
            f"smtp {self.listener.name} {self.peer.host}",
            session_context(self.session_id),
        )

    def data_received(self, data: bytes) -> None:
        self.inlet.feed(data)

    def eof_received(self) -> bool:
        """The client may close its half and still read the replies; TLS has no halves."""
        self.inlet.feed_eof()
        return not self.peer.tls

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        self.inlet.fail(Disconnected())
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read: whoever flushes waits until it does."""
        if self._clogged is None:
            self._clogged = self.loop.create_future()

    def resume_writing(self) -> None:
        clogged, self._clogged = self._clogged, None
        if clogged is not None and not clogged.done():
            clogged.set_result(None)

    # --- from outside -----------------------------------------------------------------------------

    def finish(self, reason: Ending) -> None:
        """End after the command at hand: a message whose DATA has begun is still taken."""
        self._ending = self._ending or reason
        if self._idle:
            self.inlet.fail(reason)

    def cut(self, reason: Ending) -> None:
        """End at the next wait, also within a message."""
        self._ending = reason
        self.inlet.fail(reason)

    def abort(self) -> None:
        """Drop the connection now. What is being committed is still committed."""
        self._wire.abort()

    # --- for commands -----------------------------------------------------------------------------

    def answer(self, answer: Reply) -> None:
        """Queue a reply; it leaves with the next flush."""
        self._replies.append(answer.octets)
        self._closing |= answer.code in (221, 421)
        if answer.is_refusal:
            self._errors += 1
            self.services.conduct.refused(self.peer.host)

    def answer_again(self, answer: Reply) -> None:
        """The same for a reply that follows from an earlier refusal: it does not count as an error."""
        self._replies.append(answer.octets)

    async def flush(self) -> None:
        """Write what is queued. Waits if the client does not read; raises Disconnected if it is gone."""
        if self._replies:
            self._wire.write(b"".join(self._replies))
            self._replies.clear()
        if self._clogged is not None:
            self.set_deadline(self.services.settings.command_timeout_seconds)
            await self._clogged
        if self._lost:
            raise Disconnected

    async def wait(self) -> None:
        """Flush, then return when the client has sent more. Raises Disconnected and Ending."""
        await self.flush()
        await self.inlet.wait()

    async def read_line(self, limit: int | None = None) -> bytes:
        """The next line without its CRLF, within the command timeout. Raises PeerError for a bad one."""
        self.set_deadline(self.services.settings.command_timeout_seconds)
        while (line := self.inlet.take_line(limit)) is None:
            await self.wait()
        return line

    def set_deadline(self, seconds: float) -> None:
        """From now; whoever waits for the client longer than that hears TimedOut."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()

    async def start_tls(self) -> None:
        """Become the server end of TLS. Raises Disconnected if that fails."""
        assert self.services.tls is not None
        await self.flush()
        dropped = self.inlet.discard()  # RFC 3207 section 4.2: no command of before may count after
        if dropped:
            log.warning("octets after STARTTLS were discarded", peer=self.peer.host, octets=dropped)
        try:
            transport = await self.loop.start_tls(
                self._wire,
                self,
                self.services.tls,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:  # ssl.SSLError and timeouts are OSErrors
            log.info("TLS handshake failed", peer=self.peer.host, error=type(error).__name__)
            raise Disconnected from None
        self._take(transport)

    # --- the loop ---------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        try:
            await self._converse()
        except Ending as error:
            await self._say_last(reply_for(error))
        except Disconnected:
            log.debug("client is gone", peer=self.peer.host)
        finally:
            try:
                await self.closed()
            finally:
                self.services.open_sessions.discard(self)
                if self._release is not None:
                    self._release()
                self._close()

    def _close(self) -> None:
        """Close when what was written has been taken, and at the latest after LINGER_SECONDS."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._lost:
            self._wire.close()
            self._timer = self.loop.call_later(LINGER_SECONDS, self._wire.abort)

    async def _converse(self) -> None:
        try:
            self._release = self._release or self.services.limiter.admit(self.peer.host)
            self.services.conduct.connected(self.peer.host)
        except TooManyConnections as error:
            await self._say_last(reply_for(error))
            return
        self.answer(self.greeting())
        while not self._closing:
            await self._one_command()
        await self.flush()

    async def _one_command(self) -> None:
        if self._ending is not None:
            raise self._ending
        self._idle = True
        try:
            line = await self.read_line()
            self._idle = False
            answer = await self._obey(line)
            if answer is not None:
                self.answer(answer)
        except (Disconnected, Ending):
            raise
        except Exception as error:  # the loop is the last place that can answer it
            answer = self.explain(error)
            if isinstance(error, LineTooLong):
                await self.line_lost(answer)
            self.answer(answer)
            await self._tarpit()
        finally:
            self._idle = False
        if self._errors > self.services.settings.max_errors:
            raise TooManyErrors(f"{self.hostname} Too many errors.")
        if len(self._replies) >= BATCH_LIMIT:
            await self.flush()
            await asyncio.sleep(0)

    async def _obey(self, line: bytes) -> Reply | None:
        """None if the command has answered already."""
        command = parse_command(line)
        method = self._commands.get(command.verb)
        if method is None:
            if command.verb in HTTP_METHODS:
                raise NotSmtp(f"{self.hostname} This is no web server, closing the connection.")
            raise CommandUnknown("There is no such command.")
        if command.verb in _AT_THEIR_PACE:
            return await method(self, command.argument)
        with timed(f"SMTP {command.verb}"):
            return await method(self, command.argument)

    def explain(self, error: Exception, reply_to: Callable[[BaseException, str], Reply] = reply_for) -> Reply:
        """The reply to an error; a fault goes to the log under a reference that the reply names."""
        if not is_fault(error):
            answer = reply_to(error, "")
            log.info(
                "refused",
                peer=self.peer.host,
                listener=self.listener.name,
                code=answer.code,
                reason=str(error),
            )
            return answer
        reference = new_correlation_id()
        log.error("fault", correlation_id=reference, peer=self.peer.host, **cause_of(error))
        return reply_to(error, reference)

    def greeting(self) -> Reply:
        """The first reply (RFC 5321 section 4.3.1)."""
        return reply(220, "", f"{self.hostname} {self.protocol} Mailkeep")

    def speak_for(self, source: Source) -> None:
        """From now on the connection counts as that client's."""
        self._source = source
        self.peer = replace(self.peer, host=source.host, port=source.port)

    def forgive_errors(self) -> None:
        """Begin to count anew: this client sends real mail."""
        self._errors = 0
        self.services.conduct.accepted(self.peer.host)

    async def _tarpit(self) -> None:
        """The refusal that waits to be said waits longer, for networks that were refused again and again."""
        delay = self.services.conduct.delay(self.peer.host)
        if delay:
            await asyncio.sleep(delay)

    async def line_lost(self, answer: Reply) -> None:
        """A line was too long to be read, so that nobody knows what it asked for."""

    async def closed(self) -> None:
        """The connection is over; sessions let go of what they hold."""

    def _take(self, transport: asyncio.BaseTransport | None) -> None:
        self.transport = transport
        self._wire = cast("asyncio.Transport", transport)
        self.inlet.attach(self._wire)
        self.peer = _peer(self._wire)
        if self._source is not None:
            self.speak_for(self._source)
        self.door = self.door or self.peer.host
        cipher = self._wire.get_extra_info("cipher")
        self.cipher = cipher[0] if cipher else ""

    async def _say_last(self, answer: Reply) -> None:
        self.answer(answer)
        try:
            await self.flush()
        except Disconnected:
            log.debug("client is gone", peer=self.peer.host)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        """One timer a connection, which looks again when the deadline has moved meanwhile."""
        self._timer = None
        if self.loop.time() < self._deadline:
            self._arm()
        elif self.inlet.waiting:
            self.inlet.fail(TimedOut(f"{self.hostname} Timeout, closing the connection."))
        elif self._clogged is not None:
            self.abort()
        # Otherwise it is our own work that takes long, which has timeouts of its own.


def _peer(transport: asyncio.Transport) -> Peer:
    name: Any = transport.get_extra_info("peername")
    host, port = name[:2] if isinstance(name, tuple) else ("", 0)
    host = host.partition("%")[0]  # a link-local address's zone is this machine's business
    if host.startswith("::ffff:") and "." in host:  # an IPv4 client on a listener for both families
        host = host.removeprefix("::ffff:")
    return Peer(host, port, transport.get_extra_info("sslcontext") is not None)
