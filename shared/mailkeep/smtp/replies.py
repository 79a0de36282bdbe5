"""Replies: a code, an enhanced code, text; rendered once into the octets that go out.

Every reply carries an enhanced code (RFC 2034 section 4) but the greeting, the answers to HELO and EHLO,
and the intermediate 334 and 354. Text never repeats what the peer sent: nothing can be injected through
it, and it stays ASCII whatever the address was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

REPLY_LINE_LIMIT = 512  # octets with CRLF, RFC 5321 section 4.5.3.1.5

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of one or more lines. `enhanced` is "" for those that carry none (RFC 2034 section 4)."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    octets: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "octets", _render(self.code, self.enhanced, self.lines))

    @property
    def is_refusal(self) -> bool:
        """True for the permanent negative ones (5yz)."""
        return self.code >= 500


def reply(code: int, enhanced: str, *lines: str) -> Reply:
    """A reply from its parts, at least one line."""
    return Reply(code, enhanced, lines)


@lru_cache  # greetings are the same for one client after the other
def _render(code: int, enhanced: str, lines: tuple[str, ...]) -> bytes:
    prefix = f"{enhanced} " if enhanced else ""
    room = REPLY_LINE_LIMIT - 4 - len(prefix) - 2
    last = len(lines) - 1
    return b"".join(
        f"{code}{' ' if at == last else '-'}{prefix}{_UNPRINTABLE.sub('?', line)[:room]}\r\n".encode("ascii")
        for at, line in enumerate(lines)
    )


# --- answers that are always the same -------------------------------------------------------------

OK = reply(250, "2.0.0", "Ok")
RESET = reply(250, "2.0.0", "Ok, nothing is pending")
SENDER_OK = reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = reply(250, "2.1.5", "Recipient ok")
START_DATA = reply(354, "", "End data with <CR><LF>.<CR><LF>")
START_TLS = reply(220, "2.0.0", "Ready to start TLS")
AUTHENTICATED = reply(235, "2.7.0", "Authentication successful")
CANNOT_VERIFY = reply(252, "2.0.0", "Addresses are not verified; send mail and see")
HELP = reply(
    214,
    "2.0.0",
    "Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH",
    "See RFC 5321; the extensions are those that EHLO names",
)
