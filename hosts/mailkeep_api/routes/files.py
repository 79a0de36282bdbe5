"""Octets out of messages: attachments, whole messages, the whole mailbox.

They come from strangers, so a browser is told to save them and to run nothing of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from mailkeep_api import attachments, file_names, mbox
from mailkeep_api.deps import FileReader, Reader, ServicesDep
from mailkeep_api.queries import PeriodDep

router = APIRouter(prefix="/api/emails", tags=["emails"])

_CAUTION = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


def _octets_of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI tells of octets."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(media_types, binary), "description": "The octets"}}


@router.get(
    "/{email_id:uuid}/attachments/{attachment_id:uuid}",
    summary="One attached file, decoded",
    response_class=StreamingResponse,
    responses=_octets_of("*/*"),
)
async def get_attachment(
    email_id: UUID, attachment_id: UUID, caller: FileReader, services: ServicesDep
) -> StreamingResponse:
    """With the media type that its sender gave it, to be saved and not shown."""
    row = await services.store.emails.get(caller.account_id, email_id)
    file = await attachments.find(services.store, row, attachment_id)
    return _download(attachments.decoded(file), file.content_type, file.name)


@router.get(
    "/{email_id:uuid}/export/eml",
    summary="The message as it was received, octet for octet",
    response_class=StreamingResponse,
    responses=_octets_of("message/rfc822"),
)
async def export_eml(email_id: UUID, caller: Reader, services: ServicesDep) -> StreamingResponse:
    """Nothing is made anew, so that signatures still hold."""
    row = await services.store.emails.get(caller.account_id, email_id)
    body = await services.store.messages.body(row.message_id)
    await body.reach()  # while there can be another status
    name = file_names.for_message(row.subject, row.received_at)
    answer = _download(body.chunks(), "message/rfc822", name)
    answer.headers["Content-Length"] = str(body.size)
    return answer


@router.get(
    "/export/mbox",
    summary="Received mail as one mbox file, newest first",
    response_class=StreamingResponse,
    responses=_octets_of("application/mbox"),
)
async def export_mbox(caller: Reader, services: ServicesDep, during: PeriodDep) -> StreamingResponse:
    """Quoted as mboxrd, with LF as line end."""
    pieces = mbox.export(services.store, caller.account_id, during)
    return _download(pieces, "application/mbox", file_names.for_mailbox(datetime.now(UTC)))


def _download(pieces: AsyncIterator[bytes], content_type: str, name: str) -> StreamingResponse:
    # The type goes in as a field: as `media_type`, Starlette would say UTF-8 of every text.
    fields = {"Content-Type": content_type, "Content-Disposition": file_names.attachment(name), **_CAUTION}
    return StreamingResponse(pieces, headers=fields)
