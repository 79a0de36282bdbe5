"""STORE and UID STORE."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import flag_list
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.sequence import SequenceSet
from mailkeep.model.flags import FlagAction

_ITEM = re.compile(rb" ([+-]?)FLAGS(\.SILENT)? ", re.IGNORECASE)
_ACTIONS = {b"": FlagAction.SET, b"+": FlagAction.ADD, b"-": FlagAction.REMOVE}
_SIGNS = {FlagAction.SET: "", FlagAction.ADD: "+", FlagAction.REMOVE: "-"}


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

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Set, modifier, item, flags."""
        modifier = "" if self.unchanged_since is None else f" (UNCHANGEDSINCE {self.unchanged_since})"
        item = _SIGNS[self.action] + ("FLAGS.SILENT" if self.silent else "FLAGS")
        return f"{self.messages}{modifier} {item} ".encode("ascii") + flag_list(self.flags)


def parse_store(tag: str, cursor: Cursor, *, uid: bool) -> Store:
    """`store` of RFC 9051 section 9 with `store-modifier` of RFC 7162 section 7."""
    cursor.space()
    messages = cursor.sequence_set()
    unchanged_since = _modifiers(cursor)
    found = cursor.match(_ITEM, "FLAGS, +FLAGS or -FLAGS")
    flags = _flags(cursor)
    action = _ACTIONS[found.group(1)]
    return Store(tag, messages, action, flags, uid, found.group(2) is not None, unchanged_since)


def _modifiers(cursor: Cursor) -> int | None:
    if not cursor.skip(b" ("):
        return None
    if not cursor.skip_word(b"UNCHANGEDSINCE"):
        cursor.fail("UNCHANGEDSINCE")
    cursor.space()
    modseq = cursor.number64()
    cursor.expect(b")")
    return modseq


def _flags(cursor: Cursor) -> tuple[str, ...]:
    """`flag-list`, or flags without parentheses."""
    if cursor.next_is(b"("):
        return cursor.flag_list()
    flags = [cursor.flag()]
    while cursor.skip(b" "):
        flags.append(cursor.flag())
    return tuple(flags)
