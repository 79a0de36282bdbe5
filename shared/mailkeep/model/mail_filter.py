"""What a user's filters do with a message: which match, and what comes of it. Pure.

All enabled filters are asked, by priority and name, and every match acts, until one discards: what is thrown
away needs no further label. Conditions are ANDed, one that is not set holds for every message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mailkeep.model.flags import KEYWORDS_PER_MESSAGE, NO_FLAGS, Flags, SystemFlag, normal_keywords
from mailkeep.model.folding import fold

FILTERS_LIMIT = 200  # of one user: each is asked at every delivery


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """Of the label that a filter assigns."""

    id: UUID
    name: str
    color: str
    keyword: str


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Texts are looked for as substrings, folded; "" and None are conditions that are not set."""

    id: UUID
    name: str
    enabled: bool
    priority: int
    sender: str
    subject: str
    body: str
    has_attachments: bool | None
    mark_read: bool
    label: LabelFacts | None
    discard: bool
    created_at: datetime
    last_applied_at: datetime | None
    times_applied: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one message. `body` is its plain text, else its HTML as sent; None if nobody needed it."""

    from_address: str
    from_name: str
    subject: str
    has_attachments: bool
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the filters of one user make of a message."""

    flags: Flags = NO_FLAGS
    discard: bool = False
    applied: tuple[UUID, ...] = ()


def in_order(filters: Sequence[MailFilter]) -> list[MailFilter]:
    """By priority, then by name; the id makes it a total order."""
    return sorted(filters, key=lambda one: (one.priority, one.name, one.id))


def needs_body(filters: Sequence[MailFilter]) -> bool:
    """True if the text of a message must be known before it can be filtered."""
    return any(one.body for one in filters)


def matches(one: MailFilter, facts: Facts) -> bool:
    """True if every condition that is set holds."""
    if one.has_attachments is not None and one.has_attachments is not facts.has_attachments:
        return False
    if one.sender and not _holds(one.sender, facts.from_address, facts.from_name):
        return False
    return _holds(one.subject, facts.subject) and _holds(one.body, facts.body or "")


def apply(filters: Sequence[MailFilter], facts: Facts) -> Outcome:
    """What comes of a message; `filters` are enabled and in order."""
    system, keywords, applied = SystemFlag(0), list[str](), list[UUID]()
    for one in filters:
        if not matches(one, facts):
            continue
        applied.append(one.id)
        if one.mark_read:
            system |= SystemFlag.SEEN
        if one.label is not None and len(keywords) < KEYWORDS_PER_MESSAGE:
            keywords.append(one.label.keyword)
        if one.discard:
            break
    discard = bool(applied) and any(one.discard for one in filters if one.id == applied[-1])
    return Outcome(Flags(system, normal_keywords(keywords)), discard, tuple(applied))


def _holds(needle: str, *texts: str) -> bool:
    return not needle or any(fold(needle) in fold(text) for text in texts)
