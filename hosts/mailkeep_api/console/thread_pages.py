"""The page of a conversation: its messages as text, oldest first; the HTML of each is on its own page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from mailkeep.errors import NotFound
from mailkeep.mime.text import html_to_text
from mailkeep_api.console.visitors import PageRoute, VisitorDep, console_page
from mailkeep_api.deps import ServicesDep
from mailkeep_api.routes.emails import get_thread
from mailkeep_api.schemas.emails import EmailDetail

router = APIRouter(include_in_schema=False, route_class=PageRoute)

TEXT_LIMIT = 50_000  # characters of each message; its own page has more


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation."""

    email: EmailDetail
    text: str
    is_cut: bool


@router.get("/console/threads/{thread_id:uuid}")
async def conversation(thread_id: UUID, visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """By the thread's id, or by that of any of its messages."""
    found = await get_thread(thread_id, visitor.caller, services)
    if not found:
        raise NotFound("There is no such conversation.")
    said = await asyncio.to_thread(lambda: [_said(email) for email in found])
    return console_page("thread.html", visitor, said=said)


def _said(email: EmailDetail) -> Said:
    text = email.text_body or ""
    if not text.strip() and email.html_body:
        text = html_to_text(email.html_body, TEXT_LIMIT + 1)
    return Said(email, text[:TEXT_LIMIT], len(text) > TEXT_LIMIT)
