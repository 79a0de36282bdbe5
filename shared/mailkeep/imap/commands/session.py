"""Commands about the connection itself: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, STARTTLS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """RFC 9051 section 6.1.1."""

    name: ClassVar[str] = "CAPABILITY"


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """RFC 9051 section 6.1.2."""

    name: ClassVar[str] = "NOOP"


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """RFC 9051 section 6.1.3."""

    name: ClassVar[str] = "LOGOUT"


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """RFC 9051 section 6.2.1."""

    name: ClassVar[str] = "STARTTLS"


@dataclass(frozen=True, slots=True)
class Id(Command):
    """RFC 2971 section 3.1: field-value pairs as sent; None for ID NIL. A value may be None."""

    name: ClassVar[str] = "ID"

    parameters: tuple[tuple[str, str | None], ...] | None


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """RFC 9051 section 6.3.1: capability names in upper case."""

    name: ClassVar[str] = "ENABLE"

    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """RFC 8437 section 2."""

    name: ClassVar[str] = "UNAUTHENTICATE"


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """RFC 4978 section 3: `algorithm` in upper case, DEFLATE being the only one."""

    name: ClassVar[str] = "COMPRESS"

    algorithm: str
