"""COPY and MOVE, with COPYUID (RFC 4315 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import NotFound
from mailkeep.imap.commands.copy import Copy, Move
from mailkeep.imap.response_codes import CopyUid
from mailkeep.imap.responses import untagged_ok
from mailkeep.model.rights import DELETE_MESSAGES, EXPUNGE, INSERT, changeable_flags
from mailkeep.storage.interface import Appended
from mailkeep_imap.access import Reached
from mailkeep_imap.codes import TargetMissing
from mailkeep_imap.commands.mailbox import expunged_code, reach_selectable
from mailkeep_imap.messages import catch_up, chosen, note_own, require_write
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def copy(session: Session, command: Copy) -> Done:
    """RFC 9051 section 6.4.7: all of the messages, or none."""
    view = session.view
    reached = await target_reached(session, command.mailbox)
    target, kept = reached.mailbox, changeable_flags(reached.rights)
    messages = chosen(session, command.messages, uid=command.uid)
    messages.complain()
    if not messages.uids:
        return Done("There was nothing to copy.")
    appended = await session.host.store.committer.copy(view.mailbox_id, messages.uids, target.id, kept)
    note_own(session, appended)
    if target.id == view.mailbox_id:
        await catch_up(session, appended.highestmodseq)
    return Done("COPY completed.", _copy_uid(appended))


async def move(session: Session, command: Move) -> Done:
    """RFC 9051 section 6.4.8: COPYUID goes ahead of the EXPUNGE responses, in an untagged OK."""
    view = session.view
    require_write(view, DELETE_MESSAGES, EXPUNGE)  # RFC 6851 section 4
    reached = await target_reached(session, command.mailbox)
    target, kept = reached.mailbox, changeable_flags(reached.rights)
    messages = chosen(session, command.messages, uid=command.uid)
    messages.complain()
    if not messages.uids:
        return Done("There was nothing to move.")
    committer = session.host.store.committer
    appended, expunged = await committer.move(view.mailbox_id, messages.uids, target.id, kept)
    code = _copy_uid(appended)
    if code:
        session.send(untagged_ok("Moved.", code))
    note_own(session, appended)
    await catch_up(session, max(expunged.modseq, appended.highestmodseq * (target.id == view.mailbox_id)))
    return Done("MOVE completed.", expunged_code(session, expunged))


def _copy_uid(appended: Appended) -> bytes:
    if not appended.uids:  # all of them went in the meantime
        return b""
    return CopyUid(appended.uidvalidity, appended.source_uids, appended.uids).encode()


async def target_reached(session: Session, name: str) -> Reached:
    """The mailbox to put messages into, with what the user may do there: flags that they may not change are
    not set (RFC 4314 section 4). Raises TargetMissing, PermissionRefused."""
    try:
        return await reach_selectable(session, name, INSERT)
    except NotFound:  # also a name that only has children: making it a mailbox is what CREATE does
        raise TargetMissing("There is no such mailbox; it can be created.") from None
