"""One client's session: commands are read in order and each is answered before the next is begun.

What can be answered at once is answered without a task; a task runs only while something is waited for, so
that an idle session is a few small objects. Replies are gathered and written together, which is what makes
PIPELINING (RFC 2449 section 6.6) worth offering. Errors become replies here, through `mailkeep.pop3.mapping`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from time import perf_counter

from mailkeep.errors import AuthenticationFailed, PeerError
from mailkeep.model.principal import Principal
from mailkeep.net.twisted_bridge import PeerGone
from mailkeep.observe import tracing
from mailkeep.observe.correlation import new_session_id, session_context
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.observe.timed import TIMINGS
from mailkeep.pop3 import Connection, State, reply_to
from mailkeep.pop3.mapping import is_fault
from mailkeep.pop3.replies import err, ok
from mailkeep_pop3.authorization import Authorization
from mailkeep_pop3.maildrop import Maildrop
from mailkeep_pop3.retrieval import Foreseen
from mailkeep_pop3.services import NOT_STEPPED, WRITE_TOGETHER, Answer, Pieces, Services, Wire
from mailkeep_pop3.transaction import Transaction

GREETING = ok("Mailkeep POP3 server ready.")  # without a timestamp: APOP is not offered

log = get_logger(__name__)


class Session:
    """Driven by its wire: `greet`, then `received` as octets come, then `lost` once."""

    __slots__ = (
        "_connection",
        "_context",
        "_errors",
        "_foreseen",
        "_gathered",
        "_gathered_octets",
        "_lock_lost",
        "_maildrop",
        "_phase",
        "_services",
        "_stop_watching",
        "_task",
        "_waited",
        "_wire",
        "id",
    )

    def __init__(self, services: Services, wire: Wire) -> None:
        self.id = new_session_id()
        self._context = session_context(self.id)
        self._services = services
        self._wire = wire
        self._connection = Connection()
        self._phase: Authorization | Transaction = Authorization(services, wire, self._connection, self)
        self._maildrop: Maildrop | None = None
        self._stop_watching: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._gathered: list[bytes] = []
        self._gathered_octets = 0
        self._errors = 0
        self._lock_lost = False
        self._foreseen: Foreseen | None = None
        self._waited: tuple[str, float] | None = None  # the command under way, and since when

    # --- what the wire calls ----------------------------------------------------------------------

    def greet(self) -> None:
        """The first line (RFC 1939 section 4)."""
        self._wire.write(GREETING)

    def received(self, octets: bytes) -> None:
        """Octets from the client."""
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen.command == octets:
            self._answer_foreseen(foreseen)
            return
        self._connection.receive(octets)
        if self._task is None:
            pieces = self._advance()
            if pieces is not None:
                self._task = self._services.tasks.spawn(self._work(pieces), "pop3 session", self._context)
        if self._connection.is_full:
            self._wire.pause_reading()

    def stop(self) -> None:
        """The server stops: end after the command that is being answered, deleting nothing."""
        self._connection.finish()
        self._foreseen = None
        if self._task is None:
            self._wire.part()

    def lost(self) -> None:
        """The connection is gone. Nothing is deleted (RFC 1939 section 3); the lock is let go."""
        if self._stop_watching is not None:
            self._stop_watching()
        # A QUIT that has begun runs to its end; everything else has nobody left to answer.
        if self._task is not None and self._connection.state is not State.UPDATE:
            self._task.cancel()
        self._connection.finish()
        self._foreseen = None
        if isinstance(self._phase, Transaction):
            self._phase.close()
        if self._task is not None or self._maildrop is not None:
            self._services.tasks.spawn(self._clean_up(self._task), "pop3 clean-up", self._context)

    # --- commands, one after the other ------------------------------------------------------------

    def _advance(self) -> Pieces | None:
        """Answer until nothing is left to read, or an answer has to be waited for: then that answer.

        Between WRITE_TOGETHER octets others have their turn, this session's reading ahead among them.
        """
        written = 0
        while not self._connection.finished:
            try:
                answer = self._step()
            except Exception as error:
                self._refuse(error)
                continue
            if answer is None:
                break
            if not isinstance(answer, bytes):
                return answer
            written += len(answer)
            self._gather(answer)
            if written >= WRITE_TOGETHER or not self._wire.has_room:
                return self._until_room()
        self._flush()
        if self._connection.finished:
            self._wire.close()
        else:
            self._wire.resume_reading()
            self._foresee()
        return None

    def _answer_foreseen(self, foreseen: Foreseen) -> None:
        """First the reply: all else is done while the client takes it."""
        began = perf_counter()
        self._wire.write(foreseen.reply)
        self._tell("POP3 RETR", perf_counter() - began)
        if isinstance(self._phase, Transaction):
            self._phase.sent(foreseen)
        self._foresee()

    def _foresee(self) -> None:
        """Nothing is under way and all was read: make ready what is likely to be asked next."""
        if self._wire.has_room and isinstance(self._phase, Transaction):
            self._foreseen = self._phase.foresee()

    def _step(self) -> Answer | None:
        """One step, and its time; that of an answer in pieces goes on until the last."""
        phase, self._waited = self._phase, None
        phase.stepped, began = NOT_STEPPED, perf_counter()
        answer: Answer | None = b""
        try:
            answer = phase.step()
        finally:
            kind, count = phase.stepped
            if kind is None:
                pass
            elif isinstance(answer, bytes):
                self._tell(f"POP3 {kind.__name__.upper()}", perf_counter() - began, count)
            else:
                self._waited = (f"POP3 {kind.__name__.upper()}", began)
        return answer

    async def _work(self, pieces: Pieces | None) -> None:
        try:
            while pieces is not None:
                await self._send(pieces)
                pieces = self._advance()
        except PeerGone:
            self._wire.abort()
        finally:
            self._task = None

    async def _send(self, pieces: Pieces) -> None:
        """Write an answer as the client takes it. One that breaks off can only be cut short."""
        begun = False
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._gather(piece)
                    begun = True
                    if not self._wire.has_room:
                        await self._wire.room()
        except PeerGone:
            raise
        except Exception as error:
            if begun:
                self._note(error)
                raise PeerGone("The answer broke off.") from None
            self._refuse(error)
        finally:
            if self._waited is not None:
                name, at = self._waited
                self._tell(name, perf_counter() - at)

    def _tell(self, command: str, seconds: float, count: int = 1) -> None:
        """Those who measure, that it has been answered."""
        TIMINGS.note(command, seconds, count, self.id)
        tracing.done(command, tracing.SERVER, seconds, self.id, count)

    async def _until_room(self) -> Pieces:
        self._flush()
        await asyncio.sleep(0)
        await self._wire.room()
        yield b""

    # --- replies ----------------------------------------------------------------------------------

    def _gather(self, octets: bytes) -> None:
        self._gathered.append(octets)
        self._gathered_octets += len(octets)
        if self._gathered_octets >= WRITE_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        if self._gathered:
            self._wire.write(b"".join(self._gathered))
            self._gathered.clear()
            self._gathered_octets = 0

    def _refuse(self, error: Exception) -> None:
        """Answer with what the error means; end the session that makes too many."""
        self._gather(reply_to(error, self._note(error)))
        if isinstance(error, PeerError | AuthenticationFailed):
            self._errors += 1
            if self._errors >= self._services.settings.pop3.max_errors:
                self._gather(err("Too many errors."))
                self._connection.finish()

    def _note(self, error: Exception) -> str:
        """Log a fault under the correlation id that it returns; refusals are no news."""
        if not is_fault(error):
            return ""
        correlation_id = new_correlation_id()
        log.error("command failed", session=self.id, correlation_id=correlation_id, **cause_of(error))
        return correlation_id

    # --- how the session changes --------------------------------------------------------------------

    def begin_tls(self) -> None:
        """The reply is the last thing in the clear (RFC 2595 section 4)."""
        self._gather(ok("Begin TLS."))
        self._flush()
        self._wire.start_tls()

    def enter(self, principal: Principal, maildrop: Maildrop) -> None:
        """AUTHORIZATION is left with the maildrop locked."""
        self._maildrop = maildrop
        self._connection.state = State.TRANSACTION
        self._phase = Transaction(self._services, self._wire, self._connection, maildrop)
        if self._lock_lost:
            self._phase.lose_lock()
        self._stop_watching = self._services.authenticator.watch(principal, self._revoked)

    def lock_lost(self) -> None:
        """The maildrop's lock broke, perhaps before the maildrop was entered."""
        self._lock_lost = True
        self._foreseen = None
        if isinstance(self._phase, Transaction):
            self._phase.lose_lock()

    def _revoked(self, reason: str) -> None:
        """POP3 has no words that a server may say unasked: the connection ends, and nothing is deleted."""
        log.info("session ended", session=self.id, reason=reason, peer=self._wire.peer.host)
        self._wire.abort()

    async def _clean_up(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            await asyncio.wait({task})
        if self._maildrop is not None:
            await self._maildrop.close()
