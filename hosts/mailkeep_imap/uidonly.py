"""UIDONLY (RFC 9586): a client that has enabled it may name messages by UID alone.

What such a client is told has UIDs already: see `Selected.uid_only`. Here its commands are held to them.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.copy import Copy, Move
from mailkeep.imap.commands.fetch import Fetch
from mailkeep.imap.commands.mailbox import Select
from mailkeep.imap.commands.multisearch import MultiSearch
from mailkeep.imap.commands.replace import Replace
from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.search_keys import AndKey, FuzzyKey, NotKey, OrKey, SearchKey, SequenceKey
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.commands.store import Store
from mailkeep.imap.commands.thread import Thread
from mailkeep_imap.codes import UidRequired

_WITH_UID_FORM = (Fetch, Store, Copy, Move, Replace, Search, Sort, Thread)


def check(command: Command) -> None:
    """Raises UidRequired for a command with sequence numbers in it."""
    if isinstance(command, _WITH_UID_FORM) and not command.uid:
        raise UidRequired(f"Please say UID {command.name}.", command.tag)
    if isinstance(command, Search | Sort | Thread | MultiSearch) and names_numbers(command.keys):
        raise UidRequired("Please search by UID.", command.tag)
    if isinstance(command, Select) and command.qresync is not None and command.qresync.match_numbers:
        raise UidRequired("Match data is made of sequence numbers.", command.tag)


def names_numbers(keys: Iterable[SearchKey]) -> bool:
    """True if a set of sequence numbers is among the keys; `$` is none."""
    return any(map(_names_numbers, keys))


def _names_numbers(key: SearchKey) -> bool:
    match key:
        case SequenceKey(messages):
            return not messages.saved
        case NotKey(inner) | FuzzyKey(inner):
            return _names_numbers(inner)
        case OrKey(left, right):
            return _names_numbers(left) or _names_numbers(right)
        case AndKey(keys):
            return names_numbers(keys)
    return False
