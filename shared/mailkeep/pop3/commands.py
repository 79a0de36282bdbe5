"""Commands as frozen values, and the one parser that makes them.

Keywords are matched without regard to case; arguments are split by single spaces, as RFC 1939 section 3 has
it, except that USER and PASS take the rest of the line: names and passwords may hold spaces (RFC 1939
section 7). APOP is not here: it needs a secret that the server can read, and there is none.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mailkeep.pop3.errors import BadArguments, BadBase64, SaslAborted, UnknownCommand
from mailkeep.pop3.limits import BEYOND, NUMBER_DIGITS

_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}\Z")  # RFC 4422 section 3.1, in any case
_LANGUAGE = re.compile(rb"(?:\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8})\Z")  # RFC 4647 section 2.1


class Command:
    """Base of all commands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Capa(Command):
    """RFC 2449 section 5."""


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """RFC 1939 section 5."""


@dataclass(frozen=True, slots=True)
class Quit(Command):
    """RFC 1939 sections 4 and 6."""


@dataclass(frozen=True, slots=True)
class Rset(Command):
    """RFC 1939 section 5."""


@dataclass(frozen=True, slots=True)
class Stat(Command):
    """RFC 1939 section 5."""


@dataclass(frozen=True, slots=True)
class Stls(Command):
    """RFC 2595 section 4."""


@dataclass(frozen=True, slots=True)
class Utf8(Command):
    """RFC 6856 section 2.1."""


@dataclass(frozen=True, slots=True)
class User(Command):
    """RFC 1939 section 7; UTF-8 as RFC 6856 section 2.2 has it."""

    name: str


@dataclass(frozen=True, slots=True)
class Pass(Command):
    """RFC 1939 section 7."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Auth(Command):
    """RFC 5034 section 4. Without a mechanism it asks for their names, as clients did before CAPA.

    `initial` is the initial response after base64: None without one, b"" for "=".
    """

    mechanism: str | None = None
    initial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class List(Command):
    """RFC 1939 section 5. Message-numbers count from 1; None asks for all."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Uidl(Command):
    """RFC 1939 section 7."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class Retr(Command):
    """RFC 1939 section 5."""

    number: int


@dataclass(frozen=True, slots=True)
class Top(Command):
    """RFC 1939 section 7. `lines` counts lines of the body."""

    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Dele(Command):
    """RFC 1939 section 5."""

    number: int


@dataclass(frozen=True, slots=True)
class Lang(Command):
    """RFC 6856 section 3. A basic language range, "*" for the server's choice, None asks for the list."""

    range: str | None = None


def parse(line: bytes) -> Command:
    """One command from a line without its CRLF. Raises UnknownCommand, BadArguments, BadBase64."""
    keyword, _, rest = line.partition(b" ")
    parser = _PARSERS.get(keyword) or _PARSERS.get(keyword.upper())
    if parser is None:
        raise UnknownCommand("That is not a command of this server.")
    return parser(rest)


def parse_response(line: bytes) -> bytes:
    """A SASL response (RFC 5034 section 4). Raises SaslAborted for "*", BadBase64."""
    if line == b"*":
        raise SaslAborted("The authentication was given up.")
    return _from_base64(line)


def _from_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise BadBase64("The response is not base64.") from None


def _alone(command: Command) -> Callable[[bytes], Command]:
    def parser(rest: bytes) -> Command:
        if rest.strip(b" "):
            raise BadArguments("This command takes no argument.")
        return command

    return parser


def _numbers(rest: bytes) -> list[int]:
    words = rest.strip(b" ").split(b" ") if rest else []
    if not all(word.isdigit() for word in words):
        raise BadArguments("An argument is not a number.")
    return [min(int(word), BEYOND) for word in words]


def _optional_number(make: Callable[[int | None], Command]) -> Callable[[bytes], Command]:
    def parser(rest: bytes) -> Command:
        numbers = _numbers(rest)
        if len(numbers) > 1:
            raise BadArguments("This command takes at most one message number.")
        return make(numbers[0] if numbers else None)

    return parser


def _one_number(make: Callable[[int], Command]) -> Callable[[bytes], Command]:
    def parser(rest: bytes) -> Command:
        if rest.isdigit() and len(rest) <= NUMBER_DIGITS:  # the common case, on the hottest path
            return make(int(rest))
        numbers = _numbers(rest)
        if len(numbers) != 1:
            raise BadArguments("This command takes one message number.")
        return make(numbers[0])

    return parser


def _top(rest: bytes) -> Command:
    numbers = _numbers(rest)
    if len(numbers) != 2:
        raise BadArguments("TOP takes a message number and a number of lines.")
    return Top(numbers[0], numbers[1])


def _text(rest: bytes) -> str:
    try:
        text = rest.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise BadArguments("This command takes one argument of printable UTF-8.")
    return text


def _auth(rest: bytes) -> Command:
    if not rest:
        return Auth()
    mechanism, space, initial = rest.partition(b" ")
    if not _MECHANISM.match(mechanism):
        raise BadArguments("That is not the name of a mechanism.")
    name = mechanism.decode("ascii").upper()
    if not space:
        return Auth(name)
    return Auth(name, b"" if initial == b"=" else _from_base64(initial))  # RFC 5034 section 4


def _lang(rest: bytes) -> Command:
    if not rest:
        return Lang()
    if not _LANGUAGE.match(rest):
        raise BadArguments("LANG takes one language tag.")
    return Lang(rest.decode("ascii"))


_PARSERS: dict[bytes, Callable[[bytes], Command]] = {
    b"AUTH": _auth,
    b"CAPA": _alone(Capa()),
    b"DELE": _one_number(Dele),
    b"LANG": _lang,
    b"LIST": _optional_number(List),
    b"NOOP": _alone(Noop()),
    b"PASS": lambda rest: Pass(_text(rest)),
    b"QUIT": _alone(Quit()),
    b"RETR": _one_number(Retr),
    b"RSET": _alone(Rset()),
    b"STAT": _alone(Stat()),
    b"STLS": _alone(Stls()),
    b"TOP": _top,
    b"UIDL": _optional_number(Uidl),
    b"USER": lambda rest: User(_text(rest)),
    b"UTF8": _alone(Utf8()),
}
