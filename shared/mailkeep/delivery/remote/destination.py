"""One destination: the mail that waits for it, and the sessions over which that leaves.

A session stays for the next message; a few more are opened while mail waits, up to a limit a destination and
one for all. When no session can be had, everything that waits for the destination fails with that reason at
once: its servers are asked once, not once a message.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from mailkeep.delivery.remote.accounts import Account, Accounts, attempt_of, headed, message_id_of
from mailkeep.delivery.remote.eight_bit import SevenBit, is_ascii
from mailkeep.delivery.remote.opening import Opener
from mailkeep.delivery.remote.outcome import NotSent, Result, Verdict, later, never
from mailkeep.delivery.remote.routing import Demand, Route, Router, with_demand
from mailkeep.delivery.remote.session import Begin, Session
from mailkeep.errors import NotFound, StoreUnavailable
from mailkeep.model.queue import Attempt, Claimed, QueuedMessage
from mailkeep.observe import tracing
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.storage.interface import Body, Queue

MESSAGES_PER_SESSION = 200
IDLE_SECONDS = 3.0  # how long a session without work stays

Results = Sequence[tuple[Claimed, Result]]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One message for recipients of one destination; `loaded` is None if it is read when its turn comes."""

    message_id: str
    recipients: tuple[Claimed, ...]
    loaded: tuple[QueuedMessage, Body] | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What all destinations share. `take` gets results; `dropped` those whose message is gone."""

    queue: Queue
    accounts: Accounts | None
    router: Router
    opener: Opener
    seven_bit: SevenBit
    sessions: asyncio.Semaphore
    spawn: Callable[[Awaitable[None], str], asyncio.Task[None]]
    take: Callable[[QueuedMessage, Body, Results], None]
    dropped: Callable[[Sequence[Claimed]], None]


class Destination:
    """`add` jobs. `limit` is how many sessions it may have. With `route` it is the account elsewhere of that
    name, else the domain's servers."""

    def __init__(self, domain: str, means: Means, limit: int, route: str = "") -> None:
        self.domain = domain
        self._route = route
        self._means = means
        self._limit = limit
        self._jobs: deque[Job] = deque()
        self._more = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._idle = 0
        self._starting = 0  # workers that have not looked for a job yet
        self._stopping = False
        self._proven = False  # a session could be had lately; until then, one worker asks

    @property
    def is_empty(self) -> bool:
        """True if it may be forgotten."""
        return not self._jobs and not self._workers

    def add(self, job: Job) -> None:
        """Send it as soon as a session is free."""
        self._jobs.append(job)
        self._more.set()
        self._engage()

    def _engage(self) -> None:
        """As many workers as there is work for, within the limit."""
        limit = self._limit if self._proven else 1
        while len(self._workers) < limit and len(self._jobs) > self._idle + self._starting:
            self._starting += 1
            worker = self._means.spawn(self._work(), f"relay {self.domain}")
            self._workers.add(worker)
            worker.add_done_callback(self._gone)

    def _gone(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if self._jobs and not self._stopping:
            self._engage()

    def stop(self) -> list[Claimed]:
        """Begin nothing more; what has not begun."""
        self._stopping = True
        self._more.set()
        waiting = [one for job in self._jobs for one in job.recipients]
        self._jobs.clear()
        return waiting

    async def _work(self) -> None:
        async with self._means.sessions:
            self._starting -= 1
            worker = _Worker(self, self._means)
            try:
                while (job := await self._next()) is not None:
                    await worker.do(job)
                await worker.part()
            finally:
                worker.abort()

    async def _next(self) -> Job | None:
        # A session that waits for work has no right to a place that somebody with work waits for.
        if not self._jobs and not self._stopping and not self._means.sessions.locked():
            self._idle += 1
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    while not self._jobs and not self._stopping:
                        self._more.clear()
                        await self._more.wait()
            except TimeoutError:
                pass  # and perhaps a job came at the same moment
            finally:
                self._idle -= 1
        return self._jobs.popleft() if self._jobs else None

    # --- for workers ------------------------------------------------------------------------------

    async def open(self) -> Session:
        """Raises NotSent, and then everything that waits has failed with it."""
        try:
            session = await self._open()
        except NotSent as error:
            self._proven = False
            await self._fail_all(error)
            raise
        self._proven = True
        self._engage()
        return session

    async def _open(self) -> Session:
        if not self._route:
            return await self._means.opener.open(await self._means.router.route(self.domain))
        account = await self.account()
        return await self._means.opener.open(Route((account.server,), trusted=True), account.credentials)

    async def account(self) -> Account:
        """The account elsewhere, as it is configured now. Raises NotSent, StoreUnavailable."""
        if self._means.accounts is None:
            raise later("4.3.5", "this host knows no accounts elsewhere")
        return await self._means.accounts.of(self._route)

    async def _fail_all(self, error: NotSent) -> None:
        """What waits here would fail in the same way."""
        jobs = tuple(self._jobs)
        self._jobs.clear()
        for job in jobs:
            try:
                message, body = job.loaded or await self._means.queue.message(job.message_id)
            except (NotFound, StoreUnavailable):
                self._means.dropped(job.recipients)
                continue
            self._means.take(message, body, [(one, error.result) for one in job.recipients])


class _Worker:
    """One session at a time, and what is sent over it."""

    def __init__(self, destination: Destination, means: Means) -> None:
        self._destination = destination
        self._means = means
        self._session: Session | None = None

    async def do(self, job: Job) -> None:
        """One message. What the database does not give is left to its lease's end."""
        try:
            message, body = job.loaded or await self._means.queue.message(job.message_id)
            with tracing.span("relay", tracing.CLIENT, parent=message.traceparent) as span:
                results = await self._results(message, body, job)
                self._describe(span, job, results)
        except (NotFound, StoreUnavailable) as error:
            log.info("a message cannot be read", id=job.message_id, reason=str(error))
            self.abort()
            self._means.dropped(job.recipients)
            return
        self._means.take(message, body, list(zip(job.recipients, results, strict=True)))

    def _describe(self, span: tracing.Span, job: Job, results: Sequence[Result]) -> None:
        span.set("mailkeep.message_id", job.message_id)
        span.set("mailkeep.destination", self._destination.domain)
        span.set("mailkeep.recipients", len(results))
        for verdict, count in Counter(one.verdict.value for one in results).items():
            span.set(f"mailkeep.recipients.{verdict}", count)
        if host := next((one.attempt.host for one in results if one.attempt.host), ""):
            span.set("server.address", host)

    async def part(self) -> None:
        """Say QUIT."""
        session, self._session = self._session, None
        if session is not None:
            await session.quit()

    def abort(self) -> None:
        """Let go of the session, also in the middle of a message."""
        session, self._session = self._session, None
        if session is not None:
            session.wire.abort()

    async def _results(self, message: QueuedMessage, body: Body, job: Job) -> list[Result]:
        try:
            if job.recipients[0].route:
                return await self._by_account(message, body, job.recipients)
            if message.envelope.requiretls and not (self._session is not None and self._session.secured):
                return await self._strictly(message, body, job)
            return await self._send_at_once(message, body, job.recipients)
        except NotSent as error:
            return [error.result] * len(job.recipients)
        except StoreUnavailable:
            raise
        except Exception as error:  # a fault of ours must not lose mail, nor send it round and round
            log.error("a message cannot be sent", correlation_id=new_correlation_id(), **cause_of(error))
            self.abort()
            return [later("4.3.0", "an error of ours").result] * len(job.recipients)

    async def _send_at_once(
        self, message: QueuedMessage, body: Body, recipients: Sequence[Claimed]
    ) -> list[Result]:
        """In a new session if the one that has served others is over: many servers take so many messages in
        each and no more, and none of those may cost the next one a wait. Raises NotSent, StoreUnavailable."""
        session = await self._ready()
        has_served = session.sent > 0
        try:
            return await self._send(session, message, body, recipients)
        except NotSent as error:
            if not has_served or error.result.verdict is not Verdict.LATER:
                raise
        self.abort()
        return await self._send(await self._ready(), message, body, recipients)

    async def _send(
        self,
        session: Session,
        message: QueuedMessage,
        body: Body,
        recipients: Sequence[Claimed],
        begin: Begin | None = None,
    ) -> list[Result]:
        """In a form that the server takes. Raises NotSent, StoreUnavailable."""
        if session.takes_eight_bit or await is_ascii(body):
            return await session.send(message, body, recipients, begin)
        session.require(message, recipients)
        async with self._means.seven_bit.converted(message, body, session.host) as made:
            return await session.send(message, made, recipients, begin)

    async def _ready(self) -> Session:
        session = self._session
        if session is None or not session.is_open or session.sent >= MESSAGES_PER_SESSION:
            await self.part()
            session = self._session = await self._destination.open()
        return session

    async def _by_account(
        self, message: QueuedMessage, body: Body, recipients: Sequence[Claimed]
    ) -> list[Result]:
        """What is in doubt is looked for first: if it lies in Sent, it has arrived."""
        results: dict[str, Result] = {}
        doubts = frozenset(one.doubt for one in recipients if one.doubt)
        if doubts:
            account = await self._destination.account()
            found = await account.arrived(message_id_of(message.header), sorted(doubts))
            told = Attempt("2.0.0", "an earlier attempt had arrived: it lies in Sent", account.server.host)
            results = {one.id: Result(Verdict.SENT, told) for one in recipients if one.doubt in found}
        rest = [one for one in recipients if one.id not in results]
        if rest:
            sent = await self._as_attempt(message, body, rest)
            results |= {one.id: result for one, result in zip(rest, sent, strict=True)}
        return [results[one.id] for one in recipients]

    async def _as_attempt(
        self, message: QueuedMessage, body: Body, recipients: Sequence[Claimed]
    ) -> list[Result]:
        attempt = attempt_of(recipients)

        async def begin(accepted: Sequence[Claimed]) -> None:
            if await self._means.queue.sending(accepted, attempt) < len(accepted):
                raise later("4.3.0", "somebody else has claimed the recipients")

        whole = headed(body, attempt)
        larger = replace(message, size=whole.size)
        results = await self._send(await self._ready(), larger, whole, recipients, begin)
        return [replace(one, doubt=attempt if one.in_doubt else "") for one in results]

    async def _strictly(self, message: QueuedMessage, body: Body, job: Job) -> list[Result]:
        """RFC 8689 section 4.2.1: only over TLS to a server of whose name and certificate we are sure."""
        route = await self._means.router.route(self._destination.domain)
        if not route.trusted:
            raise never("5.7.30", "TLS is required, and nothing vouches for the servers of the domain")
        strict = Route(tuple(with_demand(server, Demand.VERIFY) for server in route.servers), trusted=True)
        session = await self._means.opener.open(strict)
        try:
            return await self._send(session, message, body, job.recipients)
        finally:
            await session.quit()
