"""SORT and UID SORT (RFC 5256, RFC 5957, RFC 5267)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.search import SearchKey, SearchOptions


class SortField(Enum):
    """RFC 5256 section 3; DISPLAYFROM and DISPLAYTO from RFC 5957; RELEVANCY from RFC 6203."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class SortCriterion:
    """One field of the order; `reverse` turns this field alone."""

    field: SortField
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """RFC 5256 section 3; with `options` it is ESORT (RFC 5267 section 3)."""

    name: ClassVar[str] = "SORT"

    criteria: tuple[SortCriterion, ...]
    charset: str
    keys: tuple[SearchKey, ...]
    uid: bool = False
    options: SearchOptions | None = None
