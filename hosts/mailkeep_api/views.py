"""The lists of messages that two families of routes show alike."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.mailbox import SpecialUse
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.queries import Paging, Sought
from mailkeep_api.schemas.emails import EmailList, EmailListItem
from mailkeep_api.searching import search


async def received(services: Services, caller: UserCaller, page: Paging) -> EmailList:
    """All received mail."""
    rows, total, unread = await services.store.emails.page(caller.account_id, page.offset, page.size)
    return _listed(rows, total, unread, page)


async def searched(services: Services, caller: UserCaller, wanted: Sought, page: Paging) -> EmailList:
    """Received mail that a search finds."""
    rows, total = await search(services.store, caller.account_id, wanted, page)
    unread = await services.store.emails.unread([caller.user_id])
    return _listed(rows, total, unread.get(caller.user_id, 0), page)


async def sent(services: Services, caller: UserCaller, from_address: str, page: Paging) -> EmailList:
    """The mailbox Sent, from one address if it is not blank. The contract has no unread count there: 0."""
    emails = services.store.emails
    senders: tuple[str, ...] | None = None
    if from_address.strip():
        wanted = from_address.strip().casefold()
        known = await emails.senders(caller.account_id, SpecialUse.SENT)
        senders = tuple(sender for sender in known if sender.casefold() == wanted)
    which = EmailFilter(special_use=SpecialUse.SENT, from_addresses=senders)
    total, _ = await emails.count(caller.account_id, which)
    rows = await emails.find(caller.account_id, which, page.offset, page.size)
    return _listed(rows, total, 0, page)


def _listed(rows: Sequence[EmailRow], total: int, unread: int, page: Paging) -> EmailList:
    items = [EmailListItem.of(row) for row in rows]
    return EmailList(items=items, total_count=total, unread_count=unread, page=page.page, page_size=page.size)
