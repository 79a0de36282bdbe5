"""STORE and UID STORE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.sequence import SequenceSet
from mailkeep.model.flags import FlagAction


@dataclass(frozen=True, slots=True)
class Store(Command):
    """RFC 9051 section 6.4.6. `flags` are wire names for `Flags.parse`; `silent` is FLAGS.SILENT."""

    name: ClassVar[str] = "STORE"

    messages: SequenceSet
    action: FlagAction
    flags: tuple[str, ...]
    uid: bool = False
    silent: bool = False
    unchanged_since: int | None = None  # RFC 7162 section 3.1.3
