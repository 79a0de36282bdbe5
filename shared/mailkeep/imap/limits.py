"""How much of anything a client may send. Every number here has a reason beside it."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

NUMBER64_MAX = (1 << 63) - 1  # RFC 9051 section 9: number64 is unsigned 63 bits


@dataclass(frozen=True, slots=True)
class Limits:
    """Octets, unless said otherwise. A host may exchange them in mid-session: `framer.limits = ...`."""

    line: int = 64 * KIB  # RFC 9051 section 4.1 hints at 8,000; UID sets of large mailboxes need more
    argument_literal: int = 64 * KIB  # a literal anywhere but in a message's place
    message_literal: int = 50 * MIB  # APPEND; the host sets it from its settings
    non_synchronizing: int | None = None  # LITERAL- (RFC 7888 section 5) would say 4096; None: as the others
    literals: int = 256  # in one command; a HEADER.FIELDS list of literals stays far below
    command: int = 512 * KIB  # all that is held in memory of one command
    drain: int = 64 * MIB  # read and thrown away rather than closing, after a refused literal
    chunk: int = 256 * KIB  # most that one LiteralChunk holds


SASL_LINE = 24 * KIB
"""One base64 line of an AUTHENTICATE exchange: 16 KiB of token and its expansion."""

NOT_AUTHENTICATED = Limits(
    line=SASL_LINE + KIB,  # with a tag, AUTHENTICATE and the name before it
    argument_literal=32 * KIB,
    message_literal=NUMBER64_MAX,  # the host refuses every one, and says why
    literals=8,
    command=64 * KIB,
    drain=128 * KIB,
)
"""Before authentication: enough for LOGIN with literals and the longest token in an initial response."""

AUTHENTICATED = Limits()
