"""What all commands share: a tag, a name, and the way back to octets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Command:
    """One parsed command. `tag` is as the client wrote it; `name` is the word of RFC 9051 section 6."""

    name: ClassVar[str] = ""

    tag: str
