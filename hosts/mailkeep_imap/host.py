"""What all connections of the process share. Made once at start, handed to every session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mailkeep.auth import Authenticator
from mailkeep.imap.limits import Limits
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.tasks import TaskRegistry
from mailkeep.settings import ImapSettings, Settings
from mailkeep.storage.interface import Store
from mailkeep_imap.fetching.ready import ReadyValues
from mailkeep_imap.recent import RecentLedger
from mailkeep_imap.searching.indexing import Indexing

if TYPE_CHECKING:
    from twisted.internet.interfaces import IOpenSSLContextFactory

    from mailkeep_imap.session import Session

READY_OCTETS = 64 * 1024 * 1024  # of values for FETCH that the process remembers


class Sessions:
    """Those that are connected now."""

    def __init__(self) -> None:
        self._open: set[Session] = set()
        self._waiter: asyncio.Future[None] | None = None

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._open))

    def add(self, session: Session) -> None:
        """A connection was made."""
        self._open.add(session)

    def discard(self, session: Session) -> None:
        """A connection was lost."""
        self._open.discard(session)
        if not self._open and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def ended(self) -> None:
        """Return when nobody is connected. For one caller, when no more can come."""
        if self._open:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


@dataclass(frozen=True, slots=True)
class Host:
    """`tls` is None when no certificate is configured."""

    settings: Settings
    store: Store
    authenticator: Authenticator
    tls: IOpenSSLContextFactory | None
    limiter: ConnectionLimiter
    spool: Path
    ledger: RecentLedger = field(default_factory=RecentLedger)
    ready: ReadyValues = field(default_factory=lambda: ReadyValues(READY_OCTETS))
    tasks: TaskRegistry = field(default_factory=TaskRegistry)
    sessions: Sessions = field(default_factory=Sessions)
    indexing: Indexing = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexing", Indexing(self.store, self.tasks))

    @property
    def imap(self) -> ImapSettings:
        """The IMAP section of the settings."""
        return self.settings.imap

    @property
    def authenticated_limits(self) -> Limits:
        """What an authenticated client may send."""
        return Limits(message_literal=self.imap.max_append_size)
