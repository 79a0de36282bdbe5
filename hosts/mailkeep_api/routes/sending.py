"""Sending mail. The body may be large, so that it is read only after its sender was proven."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from mailkeep_api.deps import ServicesDep, Writer
from mailkeep_api.schemas.sending import NewMessage, Sent
from mailkeep_api.sending import send

router = APIRouter(prefix="/api/emails", tags=["emails"])


@router.post("", summary="Send a message", status_code=202)
async def send_email(request: Request, caller: Writer, services: ServicesDep) -> Sent:
    """Taken: for recipients here it is in their mailboxes, for others in the queue. A copy is in Sent."""
    try:
        new = NewMessage.model_validate_json(await request.body())
    except ValidationError as error:
        told = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(told) from None
    return await send(services, caller, new)
