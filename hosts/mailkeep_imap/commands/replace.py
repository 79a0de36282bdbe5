"""REPLACE and UID REPLACE (RFC 8508)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import MailboxNotFound, NotFound
from mailkeep.imap.commands.replace import Replace
from mailkeep.imap.response_codes import AppendUid
from mailkeep.imap.responses import untagged_ok
from mailkeep.model.rights import DELETE_MESSAGES, EXPUNGE
from mailkeep_imap.codes import ExpungeIssued, TargetMissing
from mailkeep_imap.commands.append import new_messages
from mailkeep_imap.commands.mailbox import expunged_code
from mailkeep_imap.messages import catch_up, chosen, note_own, require_write
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def replace(session: Session, command: Replace) -> Done:
    """Section 3.4: the new message comes and the old one goes in one commit. APPENDUID stands before EXPUNGE
    (section 4.3)."""
    view = session.view
    require_write(view, DELETE_MESSAGES, EXPUNGE)  # RFC 8508 section 5
    replaced = chosen(session, command.replaced.message, uid=command.uid).uids
    if not replaced:
        raise ExpungeIssued("There is no such message any more.")
    target, (message,) = await new_messages(session, command.mailbox, (command.message,))
    committer = session.host.store.committer
    try:
        appended, expunged = await committer.replace(
            view.mailbox_id, replaced.ranges[0][0], target.id, message
        )
    except MailboxNotFound:  # deleted while the message came
        raise TargetMissing("There is no such mailbox any more; it can be created.") from None
    except NotFound:
        raise ExpungeIssued("There is no such message any more.") from None
    note_own(session, appended)
    session.send(untagged_ok("The new message.", AppendUid(appended.uidvalidity, appended.uids).encode()))
    await catch_up(session, max(expunged.modseq, appended.highestmodseq * (target.id == view.mailbox_id)))
    return Done("REPLACE completed.", expunged_code(session, expunged))
