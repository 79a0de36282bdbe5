"""Messages for programs of others: the same lists and changes, opened by `api:read` and `api:write` alone."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from mailkeep.errors import NotFound
from mailkeep_api import changes, views
from mailkeep_api.deps import ExternalReader, ExternalWriter, ServicesDep
from mailkeep_api.queries import LISTING, PagingDep, SoughtDep
from mailkeep_api.schemas.emails import EmailChange, EmailDetail, EmailList

router = APIRouter(prefix="/api/external/emails", tags=["external"])


@router.get("", summary="Received messages, newest first", response_model=EmailList, openapi_extra=LISTING)
async def list_emails(request: Request, caller: ExternalReader) -> Response:
    """As /api/emails."""
    return await views.ready(request, caller)


@router.get("/search", summary="Received messages that fulfil every condition given")
async def search_emails(
    caller: ExternalReader, services: ServicesDep, wanted: SoughtDep, page: PagingDep
) -> EmailList:
    """As /api/emails/search."""
    return await views.searched(services, caller, wanted, page)


@router.get("/sent", summary="Sent messages, newest first")
async def list_sent(
    caller: ExternalReader,
    services: ServicesDep,
    page: PagingDep,
    from_address: Annotated[str, Query(alias="fromAddress", max_length=320)] = "",
) -> EmailList:
    """As /api/emails/sent."""
    return await views.sent(services, caller, from_address, page)


@router.get("/{email_id:uuid}", summary="One message with its text, addressees and attachments")
async def get_email(email_id: UUID, caller: ExternalReader, services: ServicesDep) -> EmailDetail:
    """A received or a sent one."""
    return await views.opened(services, caller, email_id)


@router.patch("/{email_id:uuid}", summary="Mark a message read or unread")
async def change_email(
    email_id: UUID, body: EmailChange, caller: ExternalWriter, services: ServicesDep
) -> EmailDetail:
    """What is absent or null stays as it is."""
    if body.is_read is not None:
        await changes.set_read(services, caller, [email_id], body.is_read)
    return await views.opened(services, caller, email_id)


@router.delete("/{email_id:uuid}", summary="Delete a message", status_code=204)
async def delete_email(email_id: UUID, caller: ExternalWriter, services: ServicesDep) -> Response:
    """The caller's own copy, for good."""
    if not await changes.delete(services, caller, [email_id]):
        raise NotFound("There is no such message.")
    return Response(status_code=204)
