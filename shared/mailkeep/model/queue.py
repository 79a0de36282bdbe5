"""Mail on its way out: what waits, for whom, until when, and what came of an attempt.

One message waits once, with one recipient each in a row of its own: each is tried, held, reported and removed
alone. Ids are text: a message's is the one that its client was told, a recipient's adds a number to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from mailkeep.model.address import Address


@dataclass(frozen=True, slots=True)
class DsnRequest:
    """What RCPT asked of delivery reports (RFC 3461): values as sent, "" if the parameter was not there."""

    notify: str = ""
    orcpt: str = ""

    def wants(self, event: str) -> bool:
        """True if a report of "SUCCESS", "FAILURE" or "DELAY" is to be made (RFC 3461 section 4.1).

        Without NOTIFY that is failure and, as is usual, delay.
        """
        words = self.notify.upper().split(",") if self.notify else ("FAILURE", "DELAY")
        return event in words


NO_REQUEST = DsnRequest()


@dataclass(frozen=True, slots=True)
class OutboundRecipient:
    """One recipient elsewhere."""

    address: Address
    request: DsnRequest = NO_REQUEST


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL said, as far as it goes on. `sender` is None for the null reverse-path."""

    sender: Address | None
    smtputf8: bool = False
    requiretls: bool = False
    ret: str = ""  # FULL or HDRS as sent (RFC 3461 section 4.3)
    envid: str = ""  # xtext as sent (RFC 3461 section 4.4)


@dataclass(frozen=True, slots=True)
class Outbound:
    """The part of a delivery that leaves: committed with the local part, or not at all.

    `skip` octets at the start of the message do not travel: its Return-Path (RFC 5321 section 4.4). `above`
    are fields that stand in their place, on the way alone. Nothing is tried before `not_before`, and after
    `expires_at` no more. `route` names who sends it in place of the relay: the account elsewhere that it is
    from; "" for the relay. `traceparent` is as in Origin.
    """

    id: str
    envelope: Envelope
    recipients: tuple[OutboundRecipient, ...]
    not_before: datetime
    expires_at: datetime
    user_id: UUID | None = None
    skip: int = 0
    above: bytes = field(default=b"", repr=False)
    route: str = ""
    traceparent: str = ""


class QueueState(StrEnum):
    """What a recipient in the queue is waiting for."""

    WAITING = "waiting"  # for its time
    SENDING = "sending"  # some host has claimed it
    HELD = "held"  # for an operator


@dataclass(frozen=True, slots=True)
class Claimed:
    """One recipient that a host has taken; `lease` proves it until the lease ends.

    `route` is its message's. `doubt` names the attempt of which nobody knows whether it arrived, "" if there
    is none: see Queue.sending.
    """

    id: str
    message_id: str
    lease: str
    recipient: Address
    request: DsnRequest
    attempts: int  # this one included
    created_at: datetime
    expires_at: datetime
    delay_told: bool
    route: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """What all recipients of a message share. Its octets are `header` and then the blob."""

    id: str
    envelope: Envelope
    header: bytes = field(repr=False)
    size: int  # octets of all of it
    created_at: datetime
    user_id: UUID | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the last attempt told: an enhanced status, the reply or reason, and who said so."""

    status: str = ""
    reply: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a claimed recipient: tried again at `retry_at`, or done with if that is None.

    `doubt` is what is still in doubt then; one that is given back as no attempt keeps what it had.
    """

    id: str
    lease: str
    retry_at: datetime | None = None
    attempt: Attempt = Attempt()
    delay_told: bool = False
    counts: bool = True  # False gives a claim back as if it had not been an attempt
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One recipient as operators and the API see it."""

    id: str
    message_id: str
    user_id: UUID | None
    sender: str  # "" is the null reverse-path
    recipient: str
    domain: str
    size: int
    state: QueueState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None  # None while it is held
    expires_at: datetime
    last_attempt_at: datetime | None
    last: Attempt
    route: str = ""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Depth and age of the queue."""

    waiting: int = 0
    sending: int = 0
    held: int = 0
    oldest_at: datetime | None = None
