"""The page for those who run the server: what waits, what is hosted, who is here, what nobody has claimed.

It retries, holds and drops what waits, and locks users out; all else is the command line's. For everybody
else there is no such page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from mailkeep.errors import NotFound
from mailkeep.model.finding import Finding, unknown
from mailkeep.net import published
from mailkeep.net.dns import Resolver
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_api.console.visitors import PageRoute, Visitor, VisitorDep, console_page
from mailkeep_api.deps import ServicesDep

router = APIRouter(include_in_schema=False, route_class=PageRoute)

SHOWN = 100  # of each list; the command line shows all
DNS_SECONDS = 20.0  # for all questions about one domain


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """An address with mail that nobody has claimed."""

    address: str
    octets: int
    messages: int


@router.get("/console/operator")
async def server(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """Queue, domains, users, unclaimed addresses."""
    _require_operator(visitor)
    store = services.store
    users = await store.directory.users()
    unclaimed = [one for one in await store.directory.addresses() if one.user_id is None]
    return console_page(
        "operator.html",
        visitor,
        queue=await store.queue.status(),
        entries=await store.queue.entries(limit=SHOWN),
        domains=await store.directory.domains(),
        users=users[:SHOWN],
        own_id=visitor.caller.user_id,
        user_count=len(users),
        unclaimed=[await _sized(store, one.address, one.account_id) for one in unclaimed[:SHOWN]],
        unclaimed_count=len(unclaimed),
    )


@router.get("/console/operator/domains/{name}")
async def domain(name: str, visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """What DNS says of a hosted domain, asked now."""
    _require_operator(visitor)
    known = await services.store.directory.domain(name)
    if known is None:
        raise NotFound("There is no such domain here.")
    return console_page(
        "domain.html", visitor, name=known.name, findings=await _dns_findings(services.settings, known.name)
    )


def _require_operator(visitor: Visitor) -> None:
    if not visitor.is_operator:
        raise NotFound("There is no such page.")


async def _dns_findings(settings: Settings, name: str) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(DNS_SECONDS):
            return [one async for one in published.check(settings, [name], Resolver(settings.dns))]
    except TimeoutError:
        return [unknown(published.CHECK, "The name servers are too slow.", published.ASK_AGAIN)]


async def _sized(store: Store, address: str, account_id: int) -> Unclaimed:
    try:
        held = await store.quotas.of(account_id)
    except NotFound:  # claimed or collected meanwhile
        return Unclaimed(address, 0, 0)
    return Unclaimed(address, held.storage, held.messages)
