"""What came of trying to send: one result a recipient, and the ways in which a whole attempt fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from mailkeep.errors import MailkeepError
from mailkeep.model.queue import Attempt
from mailkeep.smtp.client import ServerReply


class Verdict(Enum):
    """What becomes of a recipient."""

    SENT = "sent"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Result:
    """One recipient's. `dsn` says that the next host keeps the promises of NOTIFY (RFC 3461 section 5.2).

    `in_doubt`: the line broke between the end of the message and the reply, so that it may have arrived. It
    will be sent again, since mail may come twice but must not be lost (RFC 5321 section 4.5.3.2.6).
    """

    verdict: Verdict
    attempt: Attempt
    dsn: bool = False
    in_doubt: bool = False
    doubt: str | None = None
    """The attempt that is in doubt, where that can be looked for before the next one; "" if none is any more,
    None if this says nothing of it."""


class NotSent(MailkeepError):
    """Nothing could be sent, and why: true of every recipient that was to go there."""

    def __init__(self, verdict: Verdict, status: str, reason: str, host: str = "") -> None:
        super().__init__(reason)
        self.result = Result(verdict, Attempt(status, reason, host))


def later(status: str, reason: str, host: str = "") -> NotSent:
    """A failure of the moment."""
    return NotSent(Verdict.LATER, status, reason, host)


def never(status: str, reason: str, host: str = "") -> NotSent:
    """A failure that another attempt would not change."""
    return NotSent(Verdict.NEVER, status, reason, host)


def from_reply(reply: ServerReply, host: str, *, dsn: bool = False) -> Result:
    """What a server's reply means for a recipient."""
    verdict = Verdict.SENT if reply.is_success else Verdict.NEVER if reply.is_permanent else Verdict.LATER
    return Result(verdict, Attempt(reply.status, str(reply), host), dsn)


def doubtful(result: Result) -> Result:
    """The same, but the message may have arrived."""
    return replace(result, in_doubt=True)
