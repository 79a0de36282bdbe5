"""Messages, listed and opened, as several families of routes show them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from fastapi import Request, Response

from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.order import Order
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.opened import open_email
from mailkeep_api.queries import Paging, Sought, order_in, paging_in
from mailkeep_api.schemas.emails import EmailDetail, EmailList, EmailListItem, LabelIds
from mailkeep_api.searching import search


async def ready(request: Request, caller: UserCaller) -> Response:
    """All received mail, as the octets that are sent. Which page is read here: see `queries.paging_in`."""
    services: Services = request.app.state.services
    page, order = paging_in(request), order_in(request)
    if order is Order.NEWEST:
        octets = await services.ready_lists.received(caller.user_id, caller.account_id, page)
    else:
        octets = (await received(services, caller, page, order)).model_dump_json(by_alias=True).encode()
    return Response(octets, media_type="application/json")


async def received(services: Services, caller: UserCaller, page: Paging, order: Order) -> EmailList:
    """All received mail."""
    emails, account_id = services.store.emails, caller.account_id
    # Of another order too the first row tells how many there are.
    of_newest = page if order is Order.NEWEST else Paging(1, 1)
    rows, total, unread = await emails.page(account_id, of_newest.offset, of_newest.size)
    if order is not Order.NEWEST:
        rows = await emails.find(account_id, EmailFilter(), page.offset, page.size, order=order)
    return await _listed(services, caller, rows, Counts(total, unread), page)


async def searched(services: Services, caller: UserCaller, wanted: Sought, page: Paging) -> EmailList:
    """Received mail that a search finds."""
    rows, total = await search(services.store, caller.account_id, wanted, page.offset, page.size)
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
