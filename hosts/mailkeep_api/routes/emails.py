"""The caller's messages: lists, one message opened, and changes. What is not the caller's is 404, never 403.

Paths of one word stand before the one with an id, which would take them for ids.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mailkeep.errors import NotFound
from mailkeep.model.mailbox import SpecialUse
from mailkeep_api import changes, views
from mailkeep_api.deps import Reader, ServicesDep, Writer
from mailkeep_api.opened import open_email
from mailkeep_api.queries import LISTING, PagingDep, SoughtDep
from mailkeep_api.schemas.emails import BulkDeletion, BulkRead, Deleted, EmailChange, EmailDetail, EmailList

router = APIRouter(prefix="/api/emails", tags=["emails"])

THREAD_LIMIT = 100  # messages of a thread that are opened, the newest ones


@router.get("", summary="Received messages, newest first", response_model=EmailList, openapi_extra=LISTING)
async def list_emails(request: Request, caller: Reader) -> Response:
    """All mailboxes but Sent, Drafts, Junk and Trash."""
    return await views.ready(request, caller)


@router.get("/search", summary="Received messages that fulfil every condition given")
async def search_emails(
    caller: Reader, services: ServicesDep, wanted: SoughtDep, page: PagingDep
) -> EmailList:
    """`q` is looked for in sender, subject, text and HTML, in any case."""
    return await views.searched(services, caller, wanted, page)


@router.get("/sent", summary="Sent messages, newest first")
async def list_sent(
    caller: Reader,
    services: ServicesDep,
    page: PagingDep,
    from_address: Annotated[str, Query(alias="fromAddress", max_length=320)] = "",
) -> EmailList:
    """The mailbox Sent, where mail programs keep what they send."""
    return await views.sent(services, caller, from_address, page)


@router.get("/sent/addresses", summary="The From addresses of sent messages")
async def sent_addresses(caller: Reader, services: ServicesDep) -> list[str]:
    """Each once, sorted."""
    return list(await services.store.emails.senders(caller.account_id, SpecialUse.SENT))


@router.get("/threads/{thread_id:uuid}", summary="A conversation, oldest first")
async def get_thread(thread_id: UUID, caller: Reader, services: ServicesDep) -> list[EmailDetail]:
    """The messages that References join to those with this `threadId`, or to the one with this id of its own;
    sent ones included, none if there is no such of the caller's. Of a long one the newest."""
    rows = await services.store.emails.thread(caller.account_id, thread_id, THREAD_LIMIT)
    labels = await views.labels_of(services, caller, rows)
    opened = []
    for row in rows:
        try:
            opened.append(await open_email(services.store, row, labels))
        except NotFound:
            continue  # deleted meanwhile
    return opened


@router.post("/bulk/mark-read", summary="Mark many messages read or unread", status_code=204)
async def bulk_mark_read(body: BulkRead, caller: Writer, services: ServicesDep) -> Response:
    """Read unless `isRead` is false."""
    await changes.set_read(services, caller, body.email_ids, body.is_read is not False)
    return Response(status_code=204)


@router.post("/bulk/delete", summary="Delete many messages")
async def bulk_delete(body: BulkDeletion, caller: Writer, services: ServicesDep) -> Deleted:
    """The caller's own copies, for good."""
    removed = await changes.delete(services, caller, body.email_ids)
    return Deleted(deleted_count=len(removed))


@router.get("/{email_id:uuid}", summary="One message with its text, addressees and attachments")
async def get_email(email_id: UUID, caller: Reader, services: ServicesDep) -> EmailDetail:
    """Reading does not mark it read; the client says when it was seen."""
    return await views.opened(services, caller, email_id)


@router.patch("/{email_id:uuid}", summary="Mark a message read or unread")
async def change_email(
    email_id: UUID, body: EmailChange, caller: Writer, services: ServicesDep
) -> EmailDetail:
    """What is absent or null stays as it is."""
    if body.is_read is not None:
        await changes.set_read(services, caller, [email_id], body.is_read)
    return await views.opened(services, caller, email_id)


@router.delete("/{email_id:uuid}", summary="Delete a message", status_code=204)
async def delete_email(email_id: UUID, caller: Writer, services: ServicesDep) -> Response:
    """The caller's own copy, for good."""
    if not await changes.delete(services, caller, [email_id]):
        raise NotFound("There is no such message.")
    return Response(status_code=204)
