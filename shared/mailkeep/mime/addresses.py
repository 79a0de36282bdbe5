"""Address lists of header fields (RFC 5322 section 3.4, with the obsolete forms of section 4.4).

Reads whatever stands there and never raises. Groups keep their name and end, as ENVELOPE wants them; a
comment after a bare address is taken as its display name, as old senders meant it. Words stay octets:
encoded words are left for whoever shows them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from mailkeep.mime.params import comment_end

REMEMBERED_LENGTH = 256  # octets of a field that is remembered
ADDRESS_LIMIT = 2_000  # addresses and group marks of one field; the rest is not listed
MISSING_MAILBOX = b"MISSING_MAILBOX"
MISSING_DOMAIN = b"MISSING_DOMAIN"

_ATOM = rb"[^\x00-\x20\x7f\"(),:;<>@\[\]\\]+"
# What nearly every address is: `word word <local@domain>`, `"words" <local@domain>` or `local@domain`.
_USUAL = re.compile(
    rb'[ \t]*(?:(?:"([^"\\]*)"|(%b(?:[ \t]+%b)*+))?[ \t]*<(%b)@(%b)>|(%b)@(%b))[ \t]*(?:,|\Z)'
    % ((_ATOM,) * 6)
)
_TOKEN = re.compile(
    rb'(?P<space>[\x00-\x20\x7f]+)|(?P<quoted>"(?:[^"\\]|\\.)*+"?)|(?P<literal>\[(?:[^\]\\]|\\.)*+\]?)'
    rb'|(?P<special>[(),:;<>@.\\\]])|(?P<atom>[^\x00-\x20\x7f"(),:;<>@.\[\]\\]+)',
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The four members of RFC 9051's address structure. Without `host` it is a group's start, or, without
    `mailbox` too, a group's end."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None

    @property
    def address(self) -> bytes:
        """local@domain; b"" for what is none: a mark of a group, or a name that stands there alone."""
        if self.mailbox in (None, MISSING_MAILBOX) or self.host in (None, MISSING_DOMAIN):
            return b""
        return b"%b@%b" % (self.mailbox, self.host)


_GROUP_END = Mailbox(None, None, None, None)


def parse(value: bytes) -> Sequence[Mailbox]:
    """The addresses of an unfolded field value."""
    return _remembered(value) if len(value) <= REMEMBERED_LENGTH else _parse(value)


def _parse(value: bytes) -> Sequence[Mailbox]:
    found: list[Mailbox] = []
    at, end = 0, len(value)
    while at < end and len(found) < ADDRESS_LIMIT:
        match = _USUAL.match(value, at)
        if match is None:
            return _Reader(value, at, found).read()
        quoted, words, mailbox, host, bare, bare_host = match.groups()
        name = quoted if words is None else b" ".join(words.split())
        found.append(Mailbox(name or None, None, bare or mailbox, bare_host or host))
        at = match.end()
    return found


# ENVELOPE and summary ask for the same field, and the next message often has the same people.
_remembered = lru_cache(maxsize=1024)(_parse)


class _Place(Enum):
    OUTSIDE = auto()
    ANGLE = auto()
    AFTER_ANGLE = auto()


class _Reader:
    """Collects the tokens of one address until what follows tells their meaning."""

    def __init__(self, value: bytes, at: int, found: list[Mailbox]) -> None:
        self.value = value
        self.at = at
        self.found = found
        self.in_group = False
        self.clear()

    def clear(self) -> None:
        self.place = _Place.OUTSIDE
        self.words: list[bytes] = []  # with b" " where the phrase has white space
        self.after: list[bytes] = []  # words behind the angle brackets: a name, if others follow
        self.inner: list[bytes] = []  # within the angle brackets, or of a bare address
        self.at_sign = -1  # where the last "@" stands in `inner`
        self.comment: bytes | None = None
        self.route: bytes | None = None
        self.seen = False

    def read(self) -> list[Mailbox]:
        value, end = self.value, len(self.value)
        while self.at < end and len(self.found) < ADDRESS_LIMIT:
            match = _TOKEN.match(value, self.at)
            if match is None:
                self.at += 1
                continue
            self.at = match.end()
            kind, token = match.lastgroup, match.group()
            if kind == "special":
                self.special(token)
            elif kind == "space":
                self.words.append(b" ")
            else:
                self.word(token, kind == "quoted")
        self.flush()
        if self.in_group:
            self.found.append(_GROUP_END)
        return self.found

    def word(self, token: bytes, quoted: bool) -> None:
        self.seen = True
        if quoted:
            token = _unquote(token)
        if self.place is _Place.OUTSIDE:
            self.words.append(token)
        if self.place is _Place.AFTER_ANGLE:
            self.after += (token, b" ")
        else:
            self.inner.append(token)

    def special(self, token: bytes) -> None:
        if token == b"(":
            start = self.at
            self.at = comment_end(self.value, start)
            self.comment = _unescape(self.value[start : self.at].removesuffix(b")")).strip()
        elif token == b"<" and self.place is not _Place.ANGLE:
            if self.place is _Place.AFTER_ANGLE:  # a comma is missing
                following = self.after
                self.flush()
                self.words = following
            self.place, self.inner, self.at_sign, self.seen = _Place.ANGLE, [], -1, True
        elif token == b">":
            if self.place is _Place.ANGLE:
                self.place = _Place.AFTER_ANGLE
        elif token == b"," and not self.in_route():
            self.flush()
        elif token == b":" and self.place is _Place.OUTSIDE and not self.in_group:
            self.start_group()
        elif token == b":" and self.in_route():
            self.route = b"".join(self.inner)
            self.inner, self.at_sign = [], -1
        elif token == b";" and self.place is not _Place.ANGLE:
            self.end_group()
        elif self.place is not _Place.AFTER_ANGLE:
            if token == b"@":
                self.at_sign = len(self.inner)
            self.seen = True
            if self.place is _Place.OUTSIDE:
                self.words.append(token)
            self.inner.append(token)

    def in_route(self) -> bool:
        """RFC 5322 section 4.4: `<@a,@b:local@domain>`."""
        return self.place is _Place.ANGLE and self.inner[:1] == [b"@"]

    def start_group(self) -> None:
        name = _phrase(self.words)
        self.clear()
        self.in_group = True
        self.found.append(Mailbox(None, None, name, None))

    def end_group(self) -> None:
        self.flush()
        if self.in_group:
            self.found.append(_GROUP_END)
        self.in_group = False

    def flush(self) -> None:
        """What was collected is one address, unless it is nothing."""
        if self.seen:
            self.found.append(self.address())
        self.clear()

    def address(self) -> Mailbox:
        angle = self.place is not _Place.OUTSIDE
        name = (_phrase(self.words) if angle else b"") or self.comment or None
        if self.at_sign < 0:
            mailbox, host = b"".join(self.inner), b""
            if not angle:
                mailbox = _phrase(self.words)
        else:
            mailbox = b"".join(self.inner[: self.at_sign])
            host = b"".join(self.inner[self.at_sign + 1 :])
        return Mailbox(name, self.route, mailbox or MISSING_MAILBOX, host or MISSING_DOMAIN)


def _phrase(words: list[bytes]) -> bytes:
    return b" ".join(b"".join(words).split())


def _unquote(token: bytes) -> bytes:
    closed = len(token) > 1 and token.endswith(b'"')
    return _unescape(token[1:-1] if closed else token[1:])


def _unescape(text: bytes) -> bytes:
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text
