"""One command line into its verb and argument.

Octets beyond ASCII are UTF-8 or an error: what a command means is never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailkeep.errors import PeerError
from mailkeep.smtp.errors import ArgumentSyntax, ChunkSyntax, CommandUnknown, HelloSyntax

HELO_LIMIT = 255  # octets, RFC 5321 section 4.5.3.1.2
HTTP_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""What a web browser begins with, which somebody's page may have sent here: the body could be commands."""

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FROM = re.compile(r"FROM:[ \t]*", re.IGNORECASE)
_TO = re.compile(r"TO:[ \t]*", re.IGNORECASE)
_HELO = re.compile(r"[^\x00-\x20\x7f]+\Z")
_NAMELESS = "unknown"


@dataclass(frozen=True, slots=True)
class Command:
    """`verb` in upper case; `argument` without the spaces around it, "" if there is none."""

    verb: str
    argument: str = ""


def parse_command(line: bytes) -> Command:
    """A line without its CRLF. Raises PeerError, and ChunkSyntax for a BDAT that cannot be read."""
    try:
        return _parse(line)
    except PeerError:
        if line[:4].upper() == b"BDAT":  # what follows it are not commands
            raise ChunkSyntax("The form is BDAT size, or BDAT size LAST; closing the connection.") from None
        raise


def _parse(line: bytes) -> Command:
    line = line.rstrip(b" \t")  # RFC 5321 section 4.1.1: white space at the end is tolerated
    verb, _, argument = line.partition(b" ")
    if not verb.isalpha() or not verb.isascii():
        raise CommandUnknown("A line begins with a command.")
    if _CONTROL.search(argument):
        raise PeerError("A control character stands in the command.")
    try:
        return Command(verb.decode("ascii").upper(), argument.decode("utf-8").strip(" \t"))
    except UnicodeDecodeError:
        raise PeerError("What is not ASCII must be UTF-8.") from None


def after_from(argument: str) -> str:
    """What follows FROM: in MAIL; spaces after the colon are let pass. Raises ArgumentSyntax."""
    return _after(_FROM, argument, "MAIL FROM:<address>")


def after_to(argument: str) -> str:
    """What follows TO: in RCPT. Raises ArgumentSyntax."""
    return _after(_TO, argument, "RCPT TO:<address>")


def parse_helo(argument: str) -> str:
    """The name a client goes by. Its truth is not checked (RFC 5321 section 4.1.4). Raises HelloSyntax.

    Several words, as of devices that greet with what their owner calls them, are let pass and are no name.
    """
    words = argument.split(" ")
    if not _HELO.match("".join(words)) or len(argument.encode()) > HELO_LIMIT:
        raise HelloSyntax("HELO and EHLO take one domain or address literal.")
    return argument if len(words) == 1 else _NAMELESS


def _after(keyword: re.Pattern[str], argument: str, form: str) -> str:
    found = keyword.match(argument)
    if found is None:
        raise ArgumentSyntax(f"The form is {form}, with parameters after it.")
    return argument[found.end() :]
