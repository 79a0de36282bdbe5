"""COPY and MOVE, with COPYUID (RFC 4315 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import MailboxNotFound
from mailkeep.imap.commands.copy import Copy, Move
from mailkeep.imap.response_codes import CopyUid
from mailkeep.imap.responses import untagged_ok
from mailkeep.model.mailbox import Mailbox
from mailkeep.storage.interface import Appended
from mailkeep_imap.codes import TargetMissing
from mailkeep_imap.commands.mailbox import expunged_code, selectable
from mailkeep_imap.messages import catch_up, chosen, require_write
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def copy(session: Session, command: Copy) -> Done:
    """RFC 9051 section 6.4.7: all of the messages, or none."""
    view = session.view
    target = await target_mailbox(session, command.mailbox)
    messages = chosen(session, command.messages, uid=command.uid)
    messages.complain()
    if not messages.uids:
        return Done("There was nothing to copy.")
    appended = await session.host.store.committer.copy(view.mailbox_id, messages.uids, target.id)
    if target.id == view.mailbox_id:
        await catch_up(session, appended.highestmodseq)
    return Done("COPY completed.", _copy_uid(appended))


async def move(session: Session, command: Move) -> Done:
    """RFC 9051 section 6.4.8: COPYUID goes ahead of the EXPUNGE responses, in an untagged OK."""
    view = session.view
    require_write(view)
    target = await target_mailbox(session, command.mailbox)
    messages = chosen(session, command.messages, uid=command.uid)
    messages.complain()
    if not messages.uids:
        return Done("There was nothing to move.")
    committer = session.host.store.committer
    appended, expunged = await committer.move(view.mailbox_id, messages.uids, target.id)
    code = _copy_uid(appended)
    if code:
        session.send(untagged_ok("Moved.", code))
    await catch_up(session, max(expunged.modseq, appended.highestmodseq * (target.id == view.mailbox_id)))
    return Done("MOVE completed.", expunged_code(session, expunged))


def _copy_uid(appended: Appended) -> bytes:
    if not appended.uids:  # all of them went in the meantime
        return b""
    return CopyUid(appended.uidvalidity, appended.source_uids, appended.uids).encode()


async def target_mailbox(session: Session, name: str) -> Mailbox:
    """The mailbox to put messages into. Raises TargetMissing."""
    try:
        return await selectable(session, name)
    except MailboxNotFound:
        raise TargetMissing("There is no such mailbox; it can be created.") from None
