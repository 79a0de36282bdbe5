"""IDLE: the client waits, and hears of a change as soon as the snapshot has moved.

No task waits with it. The view calls back when there is something to tell; while the client does not
read, changes gather in the view, and are told when there is room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.idle import DONE_LINE_LIMIT, Idle, is_done
from mailkeep_imap import updates
from mailkeep_imap.outcome import BAD, Done, Exchange

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def idle(session: Session, command: Idle) -> None:
    """RFC 9051 section 6.3.13."""
    view = session.selected
    session.idling = True
    session.attend()
    if view is not None:
        await session.host.store.messages.refresh(view.snapshot)
    session.send(b"+ Idling.\r\n")
    await updates.tell(session, updates.Reporting.EVERYTHING)
    session.expect(Exchange(command.tag, _done, DONE_LINE_LIMIT, stop))


async def _done(session: Session, line: bytes) -> Done:
    stop(session)
    if not is_done(line):
        return Done("Only DONE ends IDLE.", status=BAD)
    return Done("IDLE completed.")


def stop(session: Session) -> None:
    """No more pushing, but for who has asked for it."""
    session.idling = False
    session.attend()
