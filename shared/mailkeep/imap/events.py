"""What comes out of the framer, one after the other. Octets of commands and lines stay out of `repr`: LOGIN's
password and SASL responses are among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class NeedData(Enum):
    """`next_event` has nothing before more octets arrive."""

    NEED_DATA = "need data"


NEED_DATA = NeedData.NEED_DATA


class LiteralKind(Enum):
    """An argument is held in memory; a message is streamed."""

    ARGUMENT = "argument"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A complete command without its final CRLF. Literals stand in place: marker, CRLF, octets.

    `streamed` holds the offsets in `octets`, behind marker and CRLF, of literals whose octets were given
    to the host in chunks and are not here.
    """

    octets: bytes = field(repr=False)  # LOGIN's password is in it
    streamed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LiteralRequest:
    """A literal was announced. The host must call `accept` or `refuse`, and answers a synchronizing one:
    `+ ` and a text after `accept`, the tagged refusal after `refuse`. `octets` is the command so far."""

    octets: bytes = field(repr=False)
    streamed: tuple[int, ...]
    tag: str | None
    size: int
    kind: LiteralKind
    synchronizing: bool
    binary: bool


@dataclass(frozen=True, slots=True)
class LiteralChunk:
    """Octets of an accepted message literal; `remaining` is 0 in the last one. An empty message has one
    empty chunk."""

    octets: bytes = field(repr=False)
    remaining: int


@dataclass(frozen=True, slots=True)
class Line:
    """The line that was asked for by `expect_line`, without CRLF."""

    octets: bytes = field(repr=False)  # a SASL response


Event = CommandLine | LiteralRequest | LiteralChunk | Line | NeedData
