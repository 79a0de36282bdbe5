"""IDLE. Its end, the line DONE, is no command: the host asks the framer for it with `expect_line`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command

DONE_LINE_LIMIT = 64
"""Octets. DONE has four; RFC 2177 allows nothing else while idling."""


@dataclass(frozen=True, slots=True)
class Idle(Command):
    """RFC 9051 section 6.3.13."""

    name: ClassVar[str] = "IDLE"


def is_done(line: bytes) -> bool:
    """True for the line that ends IDLE, in any case."""
    return line.upper() == b"DONE"
