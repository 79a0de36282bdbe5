"""When a recipient is tried again, when its sender hears of the delay, and when we give up."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailkeep.delivery.remote.outcome import Result, Verdict
from mailkeep.model.queue import Attempt, Claimed
from mailkeep.settings_relay import RelaySettings

SPREAD = 0.1  # of a wait, so that what failed together does not come back together


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a recipient: tried again at `retry_at`, or done with if that is None."""

    verdict: Verdict
    attempt: Attempt
    retry_at: datetime | None = None
    tells_delay: bool = False


class Schedule:
    """The waits of one installation."""

    def __init__(self, settings: RelaySettings) -> None:
        self._waits = settings.retry_seconds
        self._delay = timedelta(seconds=settings.delay_report_seconds)

    def decide(self, one: Claimed, result: Result, now: datetime) -> Decision:
        """What follows from a result. The last attempt is one at the time of expiry."""
        if result.verdict is not Verdict.LATER:
            return Decision(result.verdict, result.attempt)
        if now >= one.expires_at:
            reason = f"not delivered in time; the last answer was: {result.attempt.reply}"
            return Decision(Verdict.NEVER, Attempt("5.4.7", reason, result.attempt.host))
        wait = self._waits[min(one.attempts, len(self._waits)) - 1]
        seconds = wait * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311  jitter
        retry_at = min(now + timedelta(seconds=seconds), one.expires_at)
        late = not one.delay_told and now - one.created_at >= self._delay
        return Decision(Verdict.LATER, result.attempt, retry_at, tells_delay=late)
