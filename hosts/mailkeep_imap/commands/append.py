"""APPEND: decided before the message is sent, spooled while it comes, committed in one transaction.

RFC 9051 section 4.3 lets the server refuse a synchronizing literal; so the mailbox, the flags and the size
are looked at when the literal is announced, and a client learns of TRYCREATE or TOOBIG without having
sent the message. REPLACE goes the same way, and messages that are put together from parts.

Clients append into one mailbox again and again. Where a name of the user's own led for the last APPEND is
taken to be so still, and the commit looks whether it is: asking before each literal took as long as a commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailkeep.delivery.prepare import prepare_content
from mailkeep.errors import MailboxNotFound, TooLarge
from mailkeep.imap.commands.append import Append, AppendMessage, AppendStart, begin
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import LiteralRequest
from mailkeep.imap.response_codes import AppendUid
from mailkeep.imap.responses import continuation
from mailkeep.imap.state import State
from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import NewMessage
from mailkeep.model.rights import DELETE_MESSAGES, EXPUNGE, changeable_flags
from mailkeep.storage.interface import Appended
from mailkeep_imap.catenating import put_together
from mailkeep_imap.codes import TargetMissing, UidRequired
from mailkeep_imap.commands.copy import target_reached
from mailkeep_imap.messages import catch_up, note_own, require_write
from mailkeep_imap.outcome import Done
from mailkeep_imap.upload import SMALL_MEMORY, Upload

if TYPE_CHECKING:
    from mailkeep_imap.access import Reached
    from mailkeep_imap.session import Session

TOTAL_TIMES = 4  # the largest messages that one command may bring (RFC 3502)

__all__ = ["Upload", "announced", "append", "new_messages"]


async def announced(session: Session, request: LiteralRequest) -> None:
    """Accept a message's literal. Raises whatever stands against it; the caller refuses it then."""
    if session.state not in (State.AUTHENTICATED, State.SELECTED):
        raise ImapSyntaxError("Please authenticate first.", request.tag)
    start = begin(request, session.form)
    _check(session, start)
    if session.upload is None:
        session.upload = await _upload(session, start.mailbox, is_append=start.replaces is None)
        if start.size > SMALL_MEMORY and start.replaces is None:  # for less, the answer comes as soon
            account_id = session.upload.mailbox.account_id
            (await session.host.store.quotas.of(account_id)).require(start.size)
    session.upload.open()
    session.framer.accept()
    if request.synchronizing:
        session.send(continuation("Go on."))


async def _upload(session: Session, mailbox: str, *, is_append: bool) -> Upload:
    reached = await (_append_target if is_append else target_reached)(session, mailbox)
    return Upload(reached.mailbox, session.host.spool, changeable_flags(reached.rights))


async def _append_target(session: Session, name: str) -> Reached:
    known = session.appended_to
    if known is not None and known[0] == name and _is_own(session, known[1].mailbox):
        return known[1]
    reached = await target_reached(session, name)
    session.appended_to = (name, reached)
    return reached


def _is_own(session: Session, mailbox: Mailbox) -> bool:
    """In those of others, what the user may do can change."""
    return mailbox.account_id == session.account_id


def _check(session: Session, start: AppendStart) -> None:
    """What can be known before a mailbox is looked for."""
    Flags.parse(start.flags)
    if start.size == 0 and not start.is_part:
        raise ImapSyntaxError("There is no empty message.", start.tag)
    if session.upload is not None and session.upload.size + start.size > most_in_all(session):
        raise TooLarge("All messages of one command together are too large.")
    if start.replaces is not None:
        if session.state is not State.SELECTED:
            raise ImapSyntaxError("No mailbox is selected.", start.tag)
        if session.uid_only and not start.replaces.uid:
            raise UidRequired("Please say UID REPLACE.", start.tag)
        require_write(session.view, DELETE_MESSAGES, EXPUNGE)


def most_in_all(session: Session) -> int:
    """Octets that the messages of one command may have together."""
    return TOTAL_TIMES * session.host.imap.max_append_size


async def append(session: Session, command: Append) -> Done:
    """RFC 9051 section 6.3.12, after all octets have come."""
    target, messages = await new_messages(session, command.mailbox, command.messages)
    try:
        appended = await _commit(session, target, messages)
    except MailboxNotFound:  # deleted or renamed since; there may be another of that name
        session.appended_to = None
        target = (await target_reached(session, command.mailbox)).mailbox
        appended = await _commit_at_last(session, target, messages)
    note_own(session, appended)
    if session.selected is not None and session.selected.mailbox_id == appended.mailbox_id:
        await catch_up(session, appended.highestmodseq)
    return Done("APPEND completed.", AppendUid(appended.uidvalidity, appended.uids).encode())


async def _commit(session: Session, target: Mailbox, messages: Sequence[NewMessage]) -> Appended:
    name = target.name if _is_own(session, target) else None
    return await session.host.store.committer.append(target.id, messages, name)


async def _commit_at_last(session: Session, target: Mailbox, messages: Sequence[NewMessage]) -> Appended:
    try:
        return await _commit(session, target, messages)
    except MailboxNotFound:
        raise TargetMissing("There is no such mailbox any more; it can be created.") from None


async def new_messages(
    session: Session, mailbox: str, sent: Sequence[AppendMessage]
) -> tuple[Mailbox, list[NewMessage]]:
    """The mailbox and the messages that a command brings. Raises what stands against one of them."""
    if session.upload is None:  # a message of parts that are all here already
        session.upload = await _upload(session, mailbox, is_append=False)
    upload = session.upload
    if upload.failure is not None:
        raise upload.failure
    if not _is_own(session, upload.mailbox):  # a large message takes minutes to come
        reached = await target_reached(session, mailbox)
        upload.mailbox, upload.kept = reached.mailbox, changeable_flags(reached.rights)
    now = datetime.now(UTC)
    messages = []
    for spool, message in zip(await put_together(session, upload, sent), sent, strict=True):
        await upload.encode_binary(spool)
        prepared = await prepare_content(await upload.content(spool))
        flags = Flags.parse(message.flags).within(upload.kept)
        messages.append(NewMessage(prepared, message.internal_date or now, flags))
    return upload.mailbox, messages
