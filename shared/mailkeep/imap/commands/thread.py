"""THREAD and UID THREAD (RFC 5256)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.search import SearchKey


@dataclass(frozen=True, slots=True)
class Thread(Command):
    """RFC 5256 section 3. `algorithm` in upper case; which ones there are is the host's to say."""

    name: ClassVar[str] = "THREAD"

    algorithm: str
    charset: str
    keys: tuple[SearchKey, ...]
    uid: bool = False
