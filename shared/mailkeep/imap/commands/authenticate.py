"""AUTHENTICATE with SASL-IR, and LOGIN. Secrets stay out of `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mailkeep.imap.commands.base import Command


@dataclass(frozen=True, slots=True)
class Authenticate(Command):
    """RFC 9051 section 6.2.2. `mechanism` in upper case; `initial_response` decoded from base64, b"" for
    the lone `=` of RFC 4959, None without one."""

    name: ClassVar[str] = "AUTHENTICATE"

    mechanism: str
    initial_response: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Login(Command):
    """RFC 9051 section 6.2.3. Octets as sent; the host decodes them as UTF-8."""

    name: ClassVar[str] = "LOGIN"

    user: bytes
    password: bytes = field(repr=False)
