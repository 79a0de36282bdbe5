"""Changes to the caller's own messages.

A message may lie in several of the caller's mailboxes; it is read or deleted in all of them, and in nobody
else's. Listeners hear of these changes by the store's change log, as of everybody's; here it is only seen to
that they have heard when the request is answered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from uuid import UUID

from mailkeep.errors import MailboxNotFound, NotFound
from mailkeep.model.flags import FlagAction, Flags, SystemFlag
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.storage.interface import EmailRow
from mailkeep_api.deps import Services, UserCaller

_SEEN = Flags(SystemFlag.SEEN)


async def set_read(
    services: Services, caller: UserCaller, email_ids: Collection[UUID], is_read: bool
) -> Sequence[UUID]:
    """Mark messages; the ids of those that are the caller's."""
    rows = await services.store.emails.entries(caller.account_id, email_ids)
    await _flag(services, rows, FlagAction.ADD if is_read else FlagAction.REMOVE, _SEEN)
    await services.following.settle(caller.user_id)
    return list(dict.fromkeys(row.email_id for row in rows))


async def set_keyword(
    services: Services, caller: UserCaller, email_id: UUID, keyword: str, action: FlagAction
) -> None:
    """Add a keyword to a message of the caller's, or take it away; having it so already is fine. Raises
    NotFound for what is not theirs."""
    rows = await services.store.emails.entries(caller.account_id, [email_id])
    if not rows:
        raise NotFound("Email not found")
    await _flag(services, rows, action, Flags(keywords=(keyword,)))
    await services.following.settle(caller.user_id)


async def add_flags(services: Services, caller: UserCaller, email_id: UUID, flags: Flags) -> None:
    """Add flags to a message of the caller's; one that is gone meanwhile is passed over."""
    await _flag(
        services,
        await services.store.emails.entries(caller.account_id, [email_id]),
        FlagAction.ADD,
        flags,
    )
    await services.following.settle(caller.user_id)


async def forget_keyword(services: Services, caller: UserCaller, keyword: str) -> None:
    """Take a keyword from all messages of the caller's."""
    found: dict[int, list[int]] = {}
    for mailbox_id, uid in await services.store.emails.with_keyword(caller.account_id, keyword):
        found.setdefault(mailbox_id, []).append(uid)
    flags = Flags(keywords=(keyword,))
    for mailbox_id, uids in sorted(found.items()):
        await _flag_in(services, mailbox_id, UidSet.of(uids), FlagAction.REMOVE, flags)
    await services.following.settle(caller.user_id)


async def delete(services: Services, caller: UserCaller, email_ids: Collection[UUID]) -> Sequence[UUID]:
    """Remove the caller's copies for good; the ids of those that this call removed."""
    rows = await services.store.emails.entries(caller.account_id, email_ids)
    gone: dict[int, UidSet] = {}
    for mailbox_id, uids in _by_mailbox(rows).items():
        try:
            done = await services.store.committer.expunge(mailbox_id, uids, only_deleted=False)
        except MailboxNotFound:
            continue  # as above
        gone[mailbox_id] = done.uids
    removed = dict.fromkeys(row.email_id for row in rows if row.uid in gone.get(row.mailbox_id, NO_UIDS))
    await services.following.settle(caller.user_id)
    return list(removed)


async def move(services: Services, caller: UserCaller, email_id: UUID, mailbox_id: int) -> None:
    """Have the caller's message lie in this mailbox of theirs, and in no other. Raises NotFound,
    MailboxNotFound, OverQuota."""
    rows = await services.store.emails.entries(caller.account_id, [email_id])
    if not rows:
        raise NotFound("There is no such message.")
    for source_id, uids in _by_mailbox(rows).items():
        if source_id != mailbox_id:
            await services.store.committer.move(source_id, uids, mailbox_id)
    await services.following.settle(caller.user_id)


async def tell_unread(services: Services, user_ids: Collection[UUID]) -> None:
    """Raise UnreadCountChanged for each user, with what the store counts now."""
    for user_id, unread in (await services.store.emails.unread(user_ids)).items():
        position = services.following.position(user_id)
        services.hub.publish(user_id, "UnreadCountChanged", unread, position)
        services.following.told_unread(user_id, unread)


async def _flag(services: Services, rows: Sequence[EmailRow], action: FlagAction, flags: Flags) -> None:
    for mailbox_id, uids in _by_mailbox(rows).items():
        await _flag_in(services, mailbox_id, uids, action, flags)


async def _flag_in(
    services: Services, mailbox_id: int, uids: UidSet, action: FlagAction, flags: Flags
) -> None:
    with suppress(MailboxNotFound):  # deleted meanwhile, with the entries
        await services.store.committer.store_flags(mailbox_id, uids, action, flags)


def _by_mailbox(rows: Sequence[EmailRow]) -> dict[int, UidSet]:
    return {
        mailbox_id: UidSet.of(row.uid for row in rows if row.mailbox_id == mailbox_id)
        for mailbox_id in sorted({row.mailbox_id for row in rows})
    }
