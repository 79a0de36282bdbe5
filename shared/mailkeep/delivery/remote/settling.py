"""Writing down what became of recipients: many in one commit, and again until the database takes it.

What was sent is settled as soon as anything can be written: until then the message is one that would go out
twice. Reports are made one by one, for they are messages of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mailkeep.delivery.remote.outcome import Result, Verdict
from mailkeep.delivery.remote.schedule import Decision, Schedule
from mailkeep.delivery.reporting import Fate, Reporter
from mailkeep.errors import SpoolUnavailable, StoreUnavailable
from mailkeep.model.queue import Claimed, QueuedMessage, Settlement
from mailkeep.observe import metrics
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.smtp.dsn import Action, Reported
from mailkeep.storage.interface import Body, Queue

GATHER_SECONDS = 0.005  # under load each commit settles many
BATCH = 500
AGAIN_SECONDS = 1.0  # after the database did not answer
AGAIN_LIMIT_SECONDS = 30.0
UNREPORTED_SECONDS = 3600.0  # until something is tried again that we failed to report

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    action: Action
    message: QueuedMessage
    body: Body
    fates: Sequence[Fate]


class Settler:
    """`take` results; `run` and `run_reports` as owned tasks. `settled` gets the ids of what is done."""

    def __init__(
        self, queue: Queue, reporter: Reporter, schedule: Schedule, settled: Callable[[Sequence[str]], None]
    ) -> None:
        self._queue = queue
        self._reporter = reporter
        self._schedule = schedule
        self._settled = settled
        self._plain: list[Settlement] = []
        self._told: list[_Told] = []
        self._plain_work = asyncio.Event()
        self._told_work = asyncio.Event()

    def take(self, message: QueuedMessage, body: Body, results: Sequence[tuple[Claimed, Result]]) -> None:
        """One attempt's results."""
        reports: dict[Action, list[Fate]] = {}
        at = datetime.now(UTC)
        for one, result in results:
            decision = self._schedule.decide(one, result, at)
            _note(message, one, result, decision)
            settlement = Settlement(
                one.id,
                one.lease,
                decision.retry_at,
                decision.attempt,
                delay_told=decision.tells_delay,
                doubt=one.doubt if result.doubt is None else result.doubt,
            )
            action = _action(one, result, decision)
            if action is None:
                self._plain.append(settlement)
            else:
                reports.setdefault(action, []).append(_fate(one, decision, settlement, at))
        self._told += [_Told(action, message, body, fates) for action, fates in reports.items()]
        self._plain_work.set()
        if reports:
            self._told_work.set()

    async def run(self) -> None:
        """Settle what needs no report, until cancelled."""
        await self._work_on(self._plain_work, self._settle_plain)

    async def run_reports(self) -> None:
        """Report, until cancelled: a report that cannot be made holds nothing else up."""
        await self._work_on(self._told_work, self._report_all)

    async def flush(self) -> None:
        """Write down what was sent, as far as the database lets us."""
        try:
            await self._settle_plain()
        except StoreUnavailable as error:
            log.error("what was sent could not be written down", reason=str(error))

    async def _work_on(self, work: asyncio.Event, settle: Callable[[], Awaitable[None]]) -> None:
        pause = AGAIN_SECONDS
        while True:
            await work.wait()
            work.clear()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await settle()
                pause = AGAIN_SECONDS
            except (StoreUnavailable, SpoolUnavailable) as error:
                log.error("what was sent cannot be written down; trying again", reason=str(error))
                work.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, AGAIN_LIMIT_SECONDS)

    async def _settle_plain(self) -> None:
        """What is taken off the list was written down."""
        while batch := self._plain[:BATCH]:
            await self._queue.settle(batch)
            del self._plain[: len(batch)]
            self._settled([one.id for one in batch])

    async def _report_all(self) -> None:
        """Each once; those that failed stay for the next time, behind the others."""
        failure: StoreUnavailable | SpoolUnavailable | None = None
        for told in tuple(self._told):
            self._told.remove(told)
            try:
                await self._reporter.settle(told.action, told.message, told.body, told.fates)
            except (StoreUnavailable, SpoolUnavailable) as error:
                self._told.append(told)
                failure = error
                continue
            except Exception as error:  # a fault of ours: what cannot be reported must not vanish
                log.error("a report cannot be made", correlation_id=new_correlation_id(), **cause_of(error))
                self._plain += [_postponed(fate.settlement) for fate in told.fates if fate.settlement]
                self._plain_work.set()
                continue
            self._settled([fate.settlement.id for fate in told.fates if fate.settlement])
        if failure is not None:
            raise failure


def _postponed(settlement: Settlement) -> Settlement:
    """Tried again later, where operators see it."""
    retry_at = datetime.now(UTC) + timedelta(seconds=UNREPORTED_SECONDS)
    reply = f"an error of ours: this could not be reported: {settlement.attempt.reply}"
    return replace(settlement, retry_at=retry_at, attempt=replace(settlement.attempt, reply=reply))


def _action(one: Claimed, result: Result, decision: Decision) -> Action | None:
    """What the sender may have to hear."""
    if decision.verdict is Verdict.NEVER:
        return Action.FAILED
    if decision.verdict is Verdict.LATER:
        return Action.DELAYED if decision.tells_delay else None
    # RFC 3461 section 5.2.2: the next host would not report it, so that we say where the trail ends.
    return Action.RELAYED if one.request.wants("SUCCESS") and not result.dsn else None


def _fate(one: Claimed, decision: Decision, settlement: Settlement, at: datetime) -> Fate:
    attempt = decision.attempt
    reported = Reported(
        address=one.recipient,
        orcpt=one.request.orcpt,
        status=attempt.status,
        reply=attempt.reply,
        host=attempt.host,
        attempted_at=at,
        retry_until=one.expires_at if decision.retry_at else None,
    )
    return Fate(one.request, reported, settlement)


def _note(message: QueuedMessage, one: Claimed, result: Result, decision: Decision) -> None:
    log.info(
        decision.verdict.value,
        id=message.id,
        recipient=str(one.recipient),
        host=decision.attempt.host,
        status=decision.attempt.status,
        reply=decision.attempt.reply,
        attempts=one.attempts,
    )
    metrics.RELAYED.labels(decision.verdict.value).inc()
    if result.in_doubt:
        metrics.IN_DOUBT.inc()
        log.warning("may have arrived, and will be sent again", id=message.id, recipient=str(one.recipient))
