"""The query parameters that lists share: pages, and the conditions of a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from mailkeep.model.order import Order
from mailkeep.storage.interface import EmailFilter

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_LIMIT = 100
PAGE_LIMIT = 10_000_000  # beyond any mailbox; keeps the offset inside 64 bits
TEXT_LIMIT = 500  # characters that are searched for
_NUMBER = re.compile(r"\s*[+-]?[0-9.]+\s*\Z")
_INTEGER = TypeAdapter(int)


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


async def paging(
    page: int = 1, page_size: Annotated[int, Query(alias="pageSize")] = PAGE_SIZE_DEFAULT
) -> Paging:
    """Dependency."""
    return page_of(page, page_size)


def paging_in(request: Request) -> Paging:
    """The same without the framework, for the lists that clients ask for most: there it costs more than the
    list. Raises RequestValidationError."""
    query = request.query_params
    if not query:
        return _FIRST
    return page_of(_number(query, "page", 1), _number(query, "pageSize", PAGE_SIZE_DEFAULT))


def order_in(request: Request) -> Order:
    """`sort`, in the words of the preferences. Raises RequestValidationError."""
    given = request.query_params.get("sort", Order.NEWEST.value)
    try:
        return Order(given)
    except ValueError:
        told = {"type": "enum", "loc": ("query", "sort"), "msg": f"It is one of {', '.join(_ORDERS)}."}
        raise RequestValidationError([told]) from None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name)
    if given is None:
        return default
    try:
        return _INTEGER.validate_python(given)
    except ValidationError as error:
        told = [{**one, "loc": ("query", name)} for one in error.errors(include_url=False)]
        raise RequestValidationError(told) from None


def page_of(page: int, page_size: int = PAGE_SIZE_DEFAULT) -> Paging:
    """A page below 1 is the first; a size outside 1 to 100 is the default, as the contract has it."""
    size = page_size if 1 <= page_size <= PAGE_SIZE_LIMIT else PAGE_SIZE_DEFAULT
    return Paging(min(max(page, 1), PAGE_LIMIT), size)


async def period(
    from_date: Annotated[Moment | None, Query(alias="fromDate")] = None,
    to_date: Annotated[Moment | None, Query(alias="toDate")] = None,
) -> EmailFilter:
    """Received mail between two moments, both included; a moment without an offset is one in UTC."""
    return EmailFilter(since=in_utc(from_date), until=in_utc(to_date))


_FIRST = page_of(1)
_ORDERS = [order.value for order in Order]
LISTING = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": {"title": name, **schema}}
        for name, schema in (
            ("page", {"type": "integer", "default": 1}),
            ("pageSize", {"type": "integer", "default": PAGE_SIZE_DEFAULT}),
            ("sort", {"type": "string", "enum": _ORDERS, "default": Order.NEWEST.value}),
        )
    ]
}
"""What `paging_in` and `order_in` read, in the API's description."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search asks for; all of it must hold. `text` is "" if it asks for none."""

    text: str
    which: EmailFilter


async def sought(
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
