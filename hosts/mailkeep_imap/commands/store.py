"""STORE and UID STORE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.store import Store
from mailkeep.model.flags import Flags
from mailkeep_imap.messages import catch_up, chosen, require_write
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def store(session: Session, command: Store) -> Done:
    """RFC 9051 section 6.4.6. The flags of all named messages are told, unless silent."""
    view = session.view
    require_write(view)
    flags = Flags.parse(command.flags)
    messages = chosen(view, command.messages, uid=command.uid)
    if messages.uids:
        stored = await session.host.store.committer.store_flags(
            view.mailbox_id, messages.uids, command.action, flags, command.unchanged_since
        )
        await catch_up(session, stored.modseq)
        if command.silent:
            view.settle_flagged(stored.modseq, stored.changed)
        else:
            view.mark_flagged(messages.uids)
    messages.complain()
    return Done("STORE completed.")
