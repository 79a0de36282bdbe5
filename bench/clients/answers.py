"""Whole IMAP answers, in which messages travel as literals and may hold anything, a tagged line too.

A measured answer is only counted, because taking it apart costs the client more than some servers take to
make it. So each command is run once beforehand with its answer taken apart, and its octets are what every
measured answer must have.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from bench.clients.wire import Line, Unexpected

_LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n\Z")
_LONGEST_TAGGED = 4096  # octets of a tagged line that are looked at


@dataclass(frozen=True, slots=True)
class Answer:
    """One command's: seconds from its first octet to the tagged line, and octets before that line."""

    seconds: float
    octets: int


def responses(octets: bytes) -> Iterator[bytes]:
    """The responses of an answer, each with its literals. Raises Unexpected if the last one is cut off."""
    start = at = 0
    while at < len(octets):
        end = octets.find(b"\r\n", at) + 2
        if end < 2:
            raise Unexpected("the answer ends within a line")
        literal = _LITERAL.search(octets, max(start, end - 20), end)
        at = end + int(literal[1]) if literal else end
        if at > len(octets):
            raise Unexpected("the answer ends within a literal")
        if not literal:
            yield octets[start:at]
            start = at
    if start != at:
        raise Unexpected("the answer ends after a literal")


def tagged_line(octets: bytes, tag: bytes) -> bytes | None:
    """The last line, if it is whole and has the tag."""
    if not octets.endswith(b"\r\n"):
        return None
    start = octets.rfind(b"\r\n", 0, len(octets) - 2)
    line = octets[start + 2 if start >= 0 else 0 :]
    return line if line.startswith(tag + b" ") else None


async def counted(line: Line, command: bytes) -> Answer:
    """Run a command and count its answer."""
    tag = new_tag()
    began = time.perf_counter()
    line.send(tag + b" " + command + b"\r\n")
    octets = 0
    async for block in _blocks(line, tag):
        octets += len(block)
        last = block
    elapsed = time.perf_counter() - began
    return Answer(elapsed, octets - len(_accepted(last, tag, command)))


async def parsed(line: Line, command: bytes) -> list[bytes]:
    """Run a command and take its answer apart: the untagged responses."""
    tag = new_tag()
    line.send(tag + b" " + command + b"\r\n")
    octets = b"".join([block async for block in _blocks(line, tag)])
    *untagged, last = responses(octets)
    _accepted(last, tag, command)
    return untagged


def new_tag() -> bytes:
    """A random one: no message holds it by accident."""
    return secrets.token_hex(6).encode()


async def _blocks(line: Line, tag: bytes) -> AsyncIterator[bytes]:
    """What comes, until its end is a tagged line. The last block holds that line whole."""
    held = b""
    while tagged_line(held, tag) is None:
        block = await line.block()
        held += block
        if len(held) > _LONGEST_TAGGED:
            yield held[:-_LONGEST_TAGGED]
            held = held[-_LONGEST_TAGGED:]
    yield held


def _accepted(octets: bytes, tag: bytes, command: bytes) -> bytes:
    last = tagged_line(octets, tag) or b""
    if not last.startswith(tag + b" OK"):
        raise Unexpected(f"{last[:200]!r} to {command[:60]!r}")
    return last
