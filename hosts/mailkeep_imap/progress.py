"""INPROGRESS: a client that waits long for an answer hears that there is work on it (RFC 9585).

It keeps connections alive that a middlebox would cut, and people from giving up. How far a command has come
is not told, because one statement of the database does most of it. FETCH needs no such thing: its responses
are its progress.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mailkeep.imap.commands.append import Append
from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.copy import Copy, Move
from mailkeep.imap.commands.mailbox import Delete, Expunge, Rename
from mailkeep.imap.commands.multisearch import MultiSearch
from mailkeep.imap.commands.replace import Replace
from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.commands.store import Store
from mailkeep.imap.commands.thread import Thread
from mailkeep.imap.response_codes import InProgress
from mailkeep.imap.responses import untagged_ok

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

LONG: frozenset[type[Command]] = frozenset(
    {Append, Replace, Copy, Move, Delete, Expunge, Rename, Search, MultiSearch, Sort, Store, Thread}
)


class told:  # noqa: N801  used as a statement: `with told(session, command):`
    """While the context lasts, tell the client from time to time that its command is under way; for LONG."""

    __slots__ = ("_handle", "_session", "_tag")

    def __init__(self, session: Session, command: Command) -> None:
        self._session = session
        self._tag = command.tag

    def __enter__(self) -> None:
        self._handle = self._next()

    def __exit__(self, *_: object) -> None:
        self._handle.cancel()

    def _next(self) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(self._session.host.imap.progress_seconds, self._tell)

    def _tell(self) -> None:
        output = self._session.output
        if output.has_room and not output.midway:  # who does not read what there is needs no more of it
            self._session.send(untagged_ok("Still at it.", InProgress(self._tag).encode()))
            output.flush()
        self._handle = self._next()
