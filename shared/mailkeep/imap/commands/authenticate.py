"""AUTHENTICATE with SASL-IR, and LOGIN. Secrets stay out of `repr`."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import sent_astring
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

CANCEL = b"*"
"""The line by which a client breaks a SASL exchange off (RFC 9051 section 6.2.2)."""


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """RFC 9051 section 6.2.2. `mechanism` in upper case; `initial_response` decoded from base64, b"" for
    the lone `=` of RFC 4959, None without one."""

    name: ClassVar[str] = "AUTHENTICATE"

    mechanism: str
    initial_response: bytes | None = field(default=None, repr=False)

    def arguments(self, form: NameForm) -> bytes:
        """Mechanism and initial response."""
        mechanism = self.mechanism.encode("ascii")
        if self.initial_response is None:
            return mechanism
        return b"%b %b" % (mechanism, encode_response(self.initial_response) or b"=")


@dataclass(frozen=True, slots=True)
class Login(Command):
    """RFC 9051 section 6.2.3. Octets as sent; the host decodes them as UTF-8."""

    name: ClassVar[str] = "LOGIN"

    user: bytes
    password: bytes = field(repr=False)

    def arguments(self, form: NameForm) -> bytes:
        """User and password."""
        return b"%b %b" % (sent_astring(self.user), sent_astring(self.password))


def parse_authenticate(tag: str, cursor: Cursor) -> Authenticate:
    """`authenticate` of RFC 9051 section 9."""
    cursor.space()
    mechanism = cursor.word()
    if cursor.at_end():
        return Authenticate(tag, mechanism)
    cursor.space()
    response = cursor.base64()
    return Authenticate(tag, mechanism, b"" if response == b"=" else decode_response(response))


def parse_login(tag: str, cursor: Cursor) -> Login:
    """`login` of RFC 9051 section 9."""
    cursor.space()
    user = cursor.astring()
    cursor.space()
    return Login(tag, user, cursor.astring())


def decode_response(line: bytes) -> bytes:
    """The octets of one base64 line of the exchange. `CANCEL` is the host's to look for first.
    Raises ImapSyntaxError."""
    try:
        octets = a2b_base64(line, strict_mode=True)
    except Base64Error:
        octets = b""
    if encode_response(octets) != line:  # RFC 4648 section 3.5: stray bits and padding may be refused
        raise ImapSyntaxError("The SASL response is not in base64.")
    return octets


def encode_response(octets: bytes) -> bytes:
    """One base64 line, without CRLF: a challenge's or a response's."""
    return b2a_base64(octets, newline=False)
