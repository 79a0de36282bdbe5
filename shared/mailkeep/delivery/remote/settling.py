"""Writing down what became of recipients: many in one commit, and again until the database takes it.

What was sent is settled as soon as anything can be written: until then the message is one that would go out
twice. Reports are made one by one, for they are messages of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailkeep.delivery.remote.outcome import Result, Verdict
from mailkeep.delivery.remote.schedule import Decision, Schedule
from mailkeep.delivery.reporting import Fate, Reporter
from mailkeep.errors import SpoolUnavailable, StoreUnavailable
from mailkeep.model.queue import Claimed, QueuedMessage, Settlement
from mailkeep.observe.logs import get_logger
from mailkeep.smtp.dsn import Action, Reported
from mailkeep.storage.interface import Body, Queue

GATHER_SECONDS = 0.005  # under load each commit settles many
BATCH = 500
AGAIN_SECONDS = 1.0  # after the database did not answer
AGAIN_LIMIT_SECONDS = 30.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    action: Action
    message: QueuedMessage
    body: Body
    fates: Sequence[Fate]


class Settler:
    """`take` results; `run` as an owned task. `settled` is called with the ids that are written down."""

    def __init__(
        self, queue: Queue, reporter: Reporter, schedule: Schedule, settled: Callable[[Sequence[str]], None]
    ) -> None:
        self._queue = queue
        self._reporter = reporter
        self._schedule = schedule
        self._settled = settled
        self._plain: list[Settlement] = []
        self._told: list[_Told] = []
        self._work = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """True if everything is written down."""
        return not self._plain and not self._told

    def take(self, message: QueuedMessage, body: Body, results: Sequence[tuple[Claimed, Result]]) -> None:
        """One attempt's results."""
        reports: dict[Action, list[Fate]] = {}
        at = datetime.now(UTC)
        for one, result in results:
            decision = self._schedule.decide(one, result, at)
            _note(message, one, result, decision)
            settlement = Settlement(
                one.id, one.lease, decision.retry_at, decision.attempt, delay_told=decision.tells_delay
            )
            action = _action(one, result, decision)
            if action is None:
                self._plain.append(settlement)
            else:
                reports.setdefault(action, []).append(_fate(one, decision, settlement, at))
        self._told += [_Told(action, message, body, fates) for action, fates in reports.items()]
        self._work.set()

    async def run(self) -> None:
        """Until cancelled."""
        pause = AGAIN_SECONDS
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                while not self.is_idle:
                    await self._settle_some()
                pause = AGAIN_SECONDS
            except (StoreUnavailable, SpoolUnavailable) as error:
                log.error("what was sent cannot be written down; trying again", reason=str(error))
                self._work.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, AGAIN_LIMIT_SECONDS)

    async def _settle_some(self) -> None:
        """What is taken off a list was written down."""
        if batch := self._plain[:BATCH]:
            await self._queue.settle(batch)
            del self._plain[: len(batch)]
            self._settled([one.id for one in batch])
        if self._told:
            first = self._told[0]
            await self._reporter.settle(first.action, first.message, first.body, first.fates)
            del self._told[0]
            self._settled([fate.settlement.id for fate in first.fates if fate.settlement])


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
    if result.in_doubt:
        log.warning("may have arrived, and will be sent again", id=message.id, recipient=str(one.recipient))
