"""NOTIFY (RFC 5465)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import LimitExceeded
from mailkeep.imap.commands.notify import Notify, NotifyEvent
from mailkeep_imap import updates
from mailkeep_imap.notifications import Notifications
from mailkeep_imap.outcome import NO, Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

_SUPPORTED = " ".join(event.value for event in NotifyEvent)


async def notify(session: Session, command: Notify) -> Done:
    """Section 3.1: what is asked for takes the place of what was. What had gathered in the selected mailbox
    is told first."""
    if any(group.unknown for group in command.groups or ()):
        return Done("There is no such event here.", f"BADEVENT ({_SUPPORTED})".encode("ascii"), NO)
    fresh = Notifications(session, command.groups or ())
    if command.groups is not None:
        try:
            await fresh.begin()
        except LimitExceeded as error:
            fresh.stop()
            return Done(str(error), b"NOTIFICATIONOVERFLOW", NO)
        except BaseException:
            fresh.stop()
            raise
        if session.selected is not None:
            await session.host.store.messages.refresh(session.selected.snapshot)
            await updates.tell_selected(session, session.selected, updates.Reporting.EVERYTHING)
    session.notify(fresh)
    session.send(fresh.without_access())
    if command.status:
        session.send(fresh.statuses())
    return Done("NOTIFY completed.")
