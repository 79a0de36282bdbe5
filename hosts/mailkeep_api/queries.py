"""The query parameters that lists share: pages, and the conditions of a search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BeforeValidator

from mailkeep.storage.interface import EmailFilter

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_LIMIT = 100
PAGE_LIMIT = 10_000_000  # beyond any mailbox; keeps the offset inside 64 bits
TEXT_LIMIT = 500  # characters that are searched for
_NUMBER = re.compile(r"\s*[+-]?[0-9.]+\s*\Z")


def _no_number(value: object) -> object:
    """A number would be taken for seconds since 1970."""
    if isinstance(value, str) and _NUMBER.match(value):
        raise ValueError("a moment is written as RFC 3339 has it")
    return value


Moment = Annotated[datetime, BeforeValidator(_no_number)]


@dataclass(frozen=True, slots=True)
class Paging:
    """`page` counts from 1."""

    page: int
    size: int

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.size


def paging(page: int = 1, page_size: Annotated[int, Query(alias="pageSize")] = PAGE_SIZE_DEFAULT) -> Paging:
    """A page below 1 is the first; a size outside 1 to 100 is the default, as the contract has it."""
    size = page_size if 1 <= page_size <= PAGE_SIZE_LIMIT else PAGE_SIZE_DEFAULT
    return Paging(min(max(page, 1), PAGE_LIMIT), size)


def period(
    from_date: Annotated[Moment | None, Query(alias="fromDate")] = None,
    to_date: Annotated[Moment | None, Query(alias="toDate")] = None,
) -> EmailFilter:
    """Received mail between two moments, both included; a moment without an offset is one in UTC."""
    return EmailFilter(since=in_utc(from_date), until=in_utc(to_date))


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search asks for; all of it must hold. `text` is "" if it asks for none."""

    text: str
    which: EmailFilter


def sought(
    during: Annotated[EmailFilter, Depends(period)],
    q: Annotated[str, Query(max_length=TEXT_LIMIT)] = "",
    has_attachments: Annotated[bool | None, Query(alias="hasAttachments")] = None,
    is_read: Annotated[bool | None, Query(alias="isRead")] = None,
) -> Sought:
    """A blank `q` asks for no text."""
    which = EmailFilter(
        since=during.since, until=during.until, has_attachments=has_attachments, is_read=is_read
    )
    return Sought(q if q.strip() else "", which)


PagingDep = Annotated[Paging, Depends(paging)]
PeriodDep = Annotated[EmailFilter, Depends(period)]
SoughtDep = Annotated[Sought, Depends(sought)]


def in_utc(at: datetime | None) -> datetime | None:
    """A moment without an offset is one in UTC."""
    if at is None:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
