"""The console's pages of mail: the list, one message, and writing one.

They show what the API's routes answer. What script brings up to date is the same list, asked for again, so
that mail has one form and is escaped in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from mailkeep.model.order import Order
from mailkeep.storage.interface import EmailFilter
from mailkeep_api import views
from mailkeep_api.console.answers import Draft, drafted
from mailkeep_api.console.sanitising import sanitised
from mailkeep_api.console.visitors import PageRoute, Visitor, VisitorDep, console_page
from mailkeep_api.deps import Services, ServicesDep
from mailkeep_api.queries import TEXT_LIMIT, Paging, Sought, page_of
from mailkeep_api.schemas.emails import EmailList
from mailkeep_api.schemas.labels import ShownLabel

router = APIRouter(include_in_schema=False, route_class=PageRoute)

MAIL_PATH = "/console/mail"
SHOWN_TEXT_LIMIT = 500_000  # characters; the rest is in the file that may be saved


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which list: what is sent, what has a label, what a search finds, else what was received."""

    folder: Literal["", "sent"]
    label: UUID | None
    text: str
    page: int

    @property
    def is_live(self) -> bool:
        """True if new mail may appear in it; a search is not done again for each."""
        return not self.text.strip() and not self.folder and self.page == 1

    def at_page(self, number: int) -> str:
        """The address of another page of the same list."""
        query = {"folder": self.folder, "label": self.label or "", "q": self.text, "page": number}
        return f"{MAIL_PATH}?{urlencode({name: value for name, value in query.items() if value})}"


async def wanted(
    folder: Literal["", "sent"] = "",
    label: UUID | None = None,
    q: Annotated[str, Query(max_length=TEXT_LIMIT)] = "",
    page: int = 1,
) -> Wanted:
    """Dependency."""
    return Wanted(folder, label, q, page_of(page).page)


@router.get(MAIL_PATH)
async def mail(
    visitor: VisitorDep, services: ServicesDep, which: Annotated[Wanted, Depends(wanted)]
) -> HTMLResponse:
    """A list, newest first."""
    labels = await _labels(services, visitor)
    found = await _found(services, visitor, which)
    by_id = {label.id: label for label in labels}
    last = _paging(visitor, which).offset + len(found.items) >= found.total_count
    return console_page(
        "mail.html",
        visitor,
        found=found,
        labels=labels,
        by_id=by_id,
        which=which,
        newer=which.at_page(which.page - 1) if which.page > 1 else "",
        older="" if last else which.at_page(which.page + 1),
    )


@router.get(MAIL_PATH + "/{email_id:uuid}")
async def message(email_id: UUID, visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """One message. Its HTML is shown if it can be made harmless, else its plain text."""
    email = await views.opened(services, visitor.caller, email_id)
    html = await sanitised(email.html_body) if email.html_body else None
    text = email.text_body or ""
    return console_page(
        "message.html",
        visitor,
        email=email,
        html=html,
        is_html_refused=bool(email.html_body) and html is None,
        text=text[:SHOWN_TEXT_LIMIT],
        is_cut=len(text) > SHOWN_TEXT_LIMIT,
        labels=await _labels(services, visitor),
    )


@router.get("/console/compose")
async def compose(
    visitor: VisitorDep,
    services: ServicesDep,
    reply: UUID | None = None,
    forward: UUID | None = None,
) -> HTMLResponse:
    """An empty message, an answer, or one that is passed on."""
    caller = visitor.caller
    owned = await services.store.directory.addresses(caller.user_id)
    answered = reply or forward
    draft = Draft()
    if answered is not None:
        draft = await drafted(services, caller, answered, is_forward=reply is None)
    return console_page(
        "compose.html",
        visitor,
        draft=draft,
        senders=sorted(owned, key=lambda one: (not one.primary, one.address)),
    )


def _paging(visitor: Visitor, which: Wanted) -> Paging:
    return Paging(which.page, visitor.preferences.emails_per_page)


async def _labels(services: Services, visitor: Visitor) -> list[ShownLabel]:
    return [ShownLabel.of(one) for one in await services.store.labels.list(visitor.caller.user_id)]


async def _found(services: Services, visitor: Visitor, which: Wanted) -> EmailList:
    caller, page = visitor.caller, _paging(visitor, which)
    if which.folder == "sent":
        return await views.sent(services, caller, "", page)
    if which.label is not None:
        label = await services.store.labels.get(caller.user_id, which.label)
        return await views.labelled(services, caller, label.keyword, page)
    if which.text.strip():
        return await views.searched(services, caller, Sought(which.text, EmailFilter()), page)
    return await views.received(services, caller, page, Order(visitor.preferences.default_sort))
