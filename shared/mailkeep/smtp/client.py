"""The client's half of SMTP as values: replies read, extensions understood, commands written.

Replies are held to limits that no honest server meets. What a server says is kept for reports and logs with
everything unprintable taken out. Values of DSN parameters travel as their client sent them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailkeep.errors import PeerError
from mailkeep.model.address import Address
from mailkeep.model.queue import DsnRequest, Envelope
from mailkeep.smtp.dsn import orcpt_as_xtext

REPLY_LINE_LIMIT = 4096  # octets; RFC 5321 section 4.5.3.1.5 has 512, and some servers do not know it
REPLY_LINES_LIMIT = 200
REPLY_TEXT_KEPT = 1000  # characters of a reply's text, for reports

_LINE = re.compile(rb"([2-5][0-9][0-9])([ -]|\Z)(.*)\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|\Z)")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class ReplySyntax(PeerError):
    """The server said something that is no reply."""


@dataclass(frozen=True, slots=True)
class ServerReply:
    """One reply. `enhanced` is "" if it has none (RFC 2034); `lines` are its text without that."""

    code: int
    enhanced: str
    lines: tuple[str, ...]

    @property
    def is_success(self) -> bool:
        """2yz: done. 3yz, which asks for more, is never taken for that."""
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        """5yz."""
        return self.code >= 500

    @property
    def status(self) -> str:
        """The enhanced status code, made from the code if there was none or it contradicts it."""
        first = "4" if 300 <= self.code < 400 else str(self.code)[0]
        return self.enhanced if self.enhanced.startswith(first) else f"{first}.0.0"

    def __str__(self) -> str:
        enhanced = f"{self.enhanced} " if self.enhanced else ""
        return f"{self.code} {enhanced}{' '.join(self.lines)}"[:REPLY_TEXT_KEPT]


class ReplyReader:
    """Octets in, replies out."""

    __slots__ = ("_code", "_lines", "_octets")

    def __init__(self) -> None:
        self._octets = b""
        self._code = 0
        self._lines: list[str] = []

    @property
    def pending(self) -> bool:
        """True if octets of no whole reply have come: after STARTTLS there may be none."""
        return bool(self._octets or self._lines)

    def feed(self, octets: bytes) -> list[ServerReply]:
        """The replies that are whole now. Raises ReplySyntax."""
        self._octets += octets
        *lines, self._octets = self._octets.split(b"\n")
        if len(self._octets) > REPLY_LINE_LIMIT:
            raise ReplySyntax("The server's reply has a line without an end.")
        return [reply for line in lines if (reply := self._take(line.removesuffix(b"\r"))) is not None]

    def _take(self, line: bytes) -> ServerReply | None:
        found = _LINE.match(line)
        if found is None or len(line) > REPLY_LINE_LIMIT or len(self._lines) >= REPLY_LINES_LIMIT:
            raise ReplySyntax("The server said something that is no SMTP reply.")
        code = int(found[1])
        if self._lines and code != self._code:
            raise ReplySyntax("The server's reply changes its code.")
        self._code = code
        self._lines.append(_UNPRINTABLE.sub("?", found[3].decode("utf-8", "replace")))
        if found[2] == b"-":
            return None
        lines, self._lines = self._lines, []
        enhanced = _ENHANCED.match(lines[0])
        if enhanced is None:
            return ServerReply(code, "", tuple(lines))
        bare = [line.removeprefix(enhanced[1]).lstrip() for line in lines]
        return ServerReply(code, enhanced[1], tuple(bare))


@dataclass(frozen=True, slots=True)
class Extensions:
    """What EHLO named, by upper-case keyword, with the rest of its line."""

    keywords: Mapping[str, str]

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def max_size(self) -> int:
        """What SIZE allows (RFC 1870 section 4); 0 is no limit that is told."""
        value = self.keywords.get("SIZE", "").split(" ")[0]
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 20 else 0

    @property
    def mechanisms(self) -> frozenset[str]:
        """AUTH's (RFC 4954 section 3)."""
        return frozenset(self.keywords.get("AUTH", "").upper().split())


NO_EXTENSIONS = Extensions({})


def parse_extensions(reply: ServerReply) -> Extensions:
    """From EHLO's reply, whose first line is the server's name."""
    found: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, rest = line.strip().partition(" ")
        found.setdefault(keyword.upper(), rest.strip())
    return Extensions(found)


def mail_command(
    envelope: Envelope, size: int, extensions: Extensions, *, eight_bit: bool, utf8: bool
) -> bytes:
    """MAIL with what the server understands of its parameters (RFC 5321 section 4.1.1.2)."""
    words = [f"MAIL FROM:<{envelope.sender or ''}>"]
    if "SIZE" in extensions:
        words.append(f"SIZE={size}")
    if eight_bit and "8BITMIME" in extensions:
        words.append("BODY=8BITMIME")
    if utf8 and "SMTPUTF8" in extensions:
        words.append("SMTPUTF8")
    if envelope.requiretls and "REQUIRETLS" in extensions:
        words.append("REQUIRETLS")  # RFC 8689 section 4.2.1
    if "DSN" in extensions:
        words += [f"RET={envelope.ret}"] if envelope.ret else []
        words += [f"ENVID={envelope.envid}"] if envelope.envid else []
    return " ".join(words).encode() + b"\r\n"


def rcpt_command(recipient: Address, request: DsnRequest, extensions: Extensions) -> bytes:
    """RCPT. Without ORCPT the address itself is the original one (RFC 3461 section 5.2.1)."""
    words = [f"RCPT TO:<{recipient}>"]
    if "DSN" in extensions:
        words += [f"NOTIFY={request.notify}"] if request.notify else []
        words += [f"ORCPT={orcpt_as_xtext(request.orcpt)}"] if request.orcpt else []
    return " ".join(words).encode() + b"\r\n"


class Stuffer:
    """A message's octets as DATA carries them (RFC 5321 section 4.5.2), in pieces of any size."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # a dot at the very start is stuffed, too

    def feed(self, octets: bytes) -> bytes:
        """The next piece."""
        joined = self._tail + octets
        stuffed = joined.replace(b"\r\n.", b"\r\n..")[len(self._tail) :]
        self._tail = joined[-2:]
        return stuffed

    def finish(self) -> bytes:
        """The end; a last line without its CRLF gets one."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
