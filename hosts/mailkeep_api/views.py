"""Messages, listed and opened, as several families of routes show them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from mailkeep.model.mailbox import SpecialUse
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.opened import open_email
from mailkeep_api.queries import Paging, Sought
from mailkeep_api.schemas.emails import EmailDetail, EmailList, EmailListItem, LabelIds
from mailkeep_api.searching import search


async def received(services: Services, caller: UserCaller, page: Paging) -> EmailList:
    """All received mail."""
    rows, total, unread = await services.store.emails.page(caller.account_id, page.offset, page.size)
    return await _listed(services, caller, rows, Counts(total, unread), page)


async def searched(services: Services, caller: UserCaller, wanted: Sought, page: Paging) -> EmailList:
    """Received mail that a search finds."""
    rows, total = await search(services.store, caller.account_id, wanted, page)
    unread = await services.store.emails.unread([caller.user_id])
    return await _listed(services, caller, rows, Counts(total, unread.get(caller.user_id, 0)), page)


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
    return await _listed(services, caller, rows, Counts(total, 0), page)


async def labelled(services: Services, caller: UserCaller, keyword: str, page: Paging) -> EmailList:
    """Received mail with a keyword."""
    emails, which = services.store.emails, EmailFilter(keyword=keyword)
    total, _ = await emails.count(caller.account_id, which)
    rows = await emails.find(caller.account_id, which, page.offset, page.size)
    unread = await emails.unread([caller.user_id])
    return await _listed(services, caller, rows, Counts(total, unread.get(caller.user_id, 0)), page)


async def opened(services: Services, caller: UserCaller, email_id: UUID) -> EmailDetail:
    """One message of the caller's. Raises NotFound."""
    row = await services.store.emails.get(caller.account_id, email_id)
    return await open_email(services.store, row, await labels_of(services, caller, [row]))


async def labels_of(services: Services, caller: UserCaller, rows: Sequence[EmailRow]) -> LabelIds:
    """The labels that these rows may carry: none is read for mail that has no keywords."""
    if not any(row.flags.keywords for row in rows):
        return {}
    return {label.keyword.lower(): label.id for label in await services.store.labels.list(caller.user_id)}


class Counts(NamedTuple):
    """What a list says of its whole."""

    total: int
    unread: int


async def _listed(
    services: Services, caller: UserCaller, rows: Sequence[EmailRow], counts: Counts, page: Paging
) -> EmailList:
    labels = await labels_of(services, caller, rows)
    return EmailList(
        items=[EmailListItem.of(row, labels) for row in rows],
        total_count=counts.total,
        unread_count=counts.unread,
        page=page.page,
        page_size=page.size,
    )
