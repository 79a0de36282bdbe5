"""What a handler gives back: a tagged answer, or the wish for another line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

OK, NO, BAD = b"OK", b"NO", b"BAD"


@dataclass(frozen=True, slots=True)
class Done:
    """A command's tagged answer. `code` is a response code without its brackets."""

    text: str
    code: bytes = b""
    status: bytes = OK


LineTaker = Callable[["Session", bytes], Awaitable[Done | None]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command that goes on with lines of its own: AUTHENTICATE and IDLE. `take` gets the next line;
    `broken` is called if that line cannot be one."""

    tag: str
    take: LineTaker
    limit: int  # octets of the line
    broken: Callable[[Session], None] = lambda session: None
