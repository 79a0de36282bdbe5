"""The caller's messages: lists and one message opened. What is not the caller's is 404, never 403."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from mailkeep_api.deps import Reader, ServicesDep
from mailkeep_api.opened import open_email
from mailkeep_api.schemas.emails import EmailDetail, EmailList, EmailListItem

router = APIRouter(prefix="/api/emails", tags=["emails"])

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_LIMIT = 100
PAGE_LIMIT = 10_000_000  # beyond any mailbox; keeps the offset inside 64 bits


@router.get("", summary="Received messages, newest first")
async def list_emails(
    caller: Reader,
    services: ServicesDep,
    page: int = 1,
    page_size: Annotated[int, Query(alias="pageSize")] = PAGE_SIZE_DEFAULT,
) -> EmailList:
    """A page below 1 is the first; a size outside 1 to 100 is the default, as the contract has it."""
    page = min(max(page, 1), PAGE_LIMIT)
    if not 1 <= page_size <= PAGE_SIZE_LIMIT:
        page_size = PAGE_SIZE_DEFAULT
    rows, total, unread = await services.store.emails.page(
        caller.account_id, (page - 1) * page_size, page_size
    )
    items = [EmailListItem.of(row) for row in rows]
    return EmailList(items=items, total_count=total, unread_count=unread, page=page, page_size=page_size)


@router.get("/{email_id}", summary="One message with its text, addressees and attachments")
async def get_email(email_id: UUID, caller: Reader, services: ServicesDep) -> EmailDetail:
    """Reading does not mark it read; the client says when it was seen."""
    row = await services.store.emails.get(caller.account_id, email_id)
    return await open_email(services.store, row)
