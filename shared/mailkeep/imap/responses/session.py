"""What a server says of itself: its capabilities, what was enabled, its name (RFC 9051 section 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.commands.session import encode_parameters
from mailkeep.imap.encoder import string
from mailkeep.imap.names import LEGACY, NameForm


@dataclass(frozen=True, slots=True)
class CapabilityData:
    """RFC 9051 section 7.2.2."""

    capabilities: tuple[str, ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return f"* CAPABILITY {' '.join(self.capabilities)}\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class EnabledData:
    """RFC 9051 section 7.2.1; empty if nothing new was enabled."""

    capabilities: tuple[str, ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return " ".join(("* ENABLED", *self.capabilities)).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class IdData:
    """RFC 2971 section 3.2; None is NIL."""

    parameters: tuple[tuple[str, str | None], ...] | None

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* ID %b\r\n" % encode_parameters(self.parameters, string)
