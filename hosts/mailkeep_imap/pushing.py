"""Telling an idle client what has changed, where that needs more than memory.

Most news is told by the snapshot's own callback, at once. Who follows searches has them looked at first,
which may read the database: then a task does it, one at a time, and the next command waits for its end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mailkeep.net.twisted_bridge import PeerGone
from mailkeep.observe.logs import cause_of, get_logger
from mailkeep_imap import updates

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

log = get_logger(__name__)


class Pusher:
    """One session's."""

    __slots__ = ("_again", "_session", "_task")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def push(self) -> None:
        """Tell what there is, and what comes up meanwhile."""
        self._again = True
        if self._task is None:
            self._task = self._session.host.tasks.spawn(self._run(), "imap push", self._session.context)

    async def settled(self) -> None:
        """Return when nothing is being told."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def cancel(self) -> None:
        """The connection is lost."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        session = self._session
        try:
            while self._again and session.output.has_room:
                self._again = False
                await updates.tell_unasked(session)
                session.output.flush()
        except PeerGone:
            pass
        except Exception as error:  # the client hears of it with its next command
            log.error("push failed", peer=session.peer.host, **cause_of(error))
        finally:
            self._task = None
