"""Every endpoint of the REST contract, line by line: where it is, who may use it, in which class it is
counted, and that it tells nobody what is there."""

from __future__ import annotations

from typing import NamedTuple
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope
from mailkeep_api import app as application
from mailkeep_api.deps import RequireScope, User, file_reader
from mailkeep_api.rates import RateClass
from mailkeep_api.routes import push

READS, WRITES = (Scope.API_READ, Scope.APP), (Scope.API_WRITE, Scope.APP)
READS_ALONE, WRITES_ALONE = (Scope.API_READ,), (Scope.API_WRITE,)
API, WRITE, AUTH, PLAIN = RateClass.API, RateClass.WRITE, RateClass.AUTH, RateClass.PLAIN


class Line(NamedTuple):
    """One endpoint. `{}` stands for each id."""

    method: str
    path: str
    scopes: tuple[Scope, ...]
    rate: RateClass | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PUBLIC = ("/config/config.json", "/api/discovery", "/health", "/api/pushsubscriptions/vapid-public-key")
LINES = (
    Line("GET", "/api/emails", READS, API),
    Line("GET", "/api/emails/search", READS, API),
    Line("GET", "/api/emails/{}", READS, API),
    Line("PATCH", "/api/emails/{}", WRITES, WRITE),
    Line("DELETE", "/api/emails/{}", WRITES, WRITE),
    Line("GET", "/api/emails/{}/attachments/{}", READS, API),
    Line("GET", "/api/emails/{}/export/eml", READS, API),
    Line("GET", "/api/emails/export/mbox", READS, API),
    Line("GET", "/api/emails/threads/{}", READS, API),
    Line("POST", "/api/emails/bulk/mark-read", WRITES, WRITE),
    Line("POST", "/api/emails/bulk/delete", WRITES, WRITE),
    Line("GET", "/api/emails/sent", READS, API),
    Line("GET", "/api/emails/sent/addresses", READS, API),
    Line("GET", "/api/labels", READS, PLAIN),
    Line("POST", "/api/labels", WRITES, PLAIN),
    Line("PUT", "/api/labels/{}", WRITES, PLAIN),
    Line("DELETE", "/api/labels/{}", WRITES, PLAIN),
    Line("POST", "/api/labels/emails/{}", WRITES, PLAIN),
    Line("DELETE", "/api/labels/emails/{}/{}", WRITES, PLAIN),
    Line("GET", "/api/labels/{}/emails", READS, PLAIN),
    Line("GET", "/api/filters", READS, PLAIN),
    Line("POST", "/api/filters", WRITES, PLAIN),
    Line("PUT", "/api/filters/{}", WRITES, PLAIN),
    Line("DELETE", "/api/filters/{}", WRITES, PLAIN),
    Line("POST", "/api/filters/{}/test", READS, PLAIN),
    Line("GET", "/api/profile", READS, PLAIN),
    Line("PUT", "/api/profile", WRITES, PLAIN),
    Line("POST", "/api/profile/addresses", WRITES, WRITE),  # each mails a code
    Line("DELETE", "/api/profile/addresses/{}", WRITES, PLAIN),
    Line("GET", "/api/preferences", READS, PLAIN),
    Line("PUT", "/api/preferences", WRITES, PLAIN),
    Line("GET", "/api/smtp-credentials", READS, AUTH),
    Line("POST", "/api/smtp-credentials", WRITES, AUTH),
    Line("DELETE", "/api/smtp-credentials/{}", WRITES, AUTH),
    Line("POST", "/api/smtp-credentials/mobile", WRITES, AUTH),
    Line("POST", "/api/pushsubscriptions", WRITES, API),
    Line("DELETE", "/api/pushsubscriptions/{}", WRITES, API),
    Line("POST", "/api/push-subscriptions", WRITES, API),
    Line("DELETE", "/api/push-subscriptions/{}", WRITES, API),
    Line("GET", "/api/external/emails", READS_ALONE, API),
    Line("GET", "/api/external/emails/search", READS_ALONE, API),
    Line("GET", "/api/external/emails/sent", READS_ALONE, API),
    Line("GET", "/api/external/emails/{}", READS_ALONE, API),
    Line("PATCH", "/api/external/emails/{}", WRITES_ALONE, WRITE),
    Line("DELETE", "/api/external/emails/{}", WRITES_ALONE, WRITE),
    Line("POST", "/api/internal/notifications/new-email", (Scope.INTERNAL,), None),
)
# A body that fits, where there must be one.
BODIES: dict[str, object] = {
    "PATCH /api/emails/{}": {"isRead": True},
    "PATCH /api/external/emails/{}": {"isRead": True},
    "PUT /api/labels/{}": {"name": "x"},
    "POST /api/labels/emails/{}": {"labelId": str(uuid4())},
    "PUT /api/filters/{}": {"isEnabled": False},
}
ABOUT_ONE = [line for line in LINES if "{}" in line.path and "/threads/" not in line.path]


def routes() -> dict[tuple[str, str], APIRoute]:
    """By method and path, with `{}` for each parameter."""
    found: dict[tuple[str, str], APIRoute] = {}

    def gather(routes: list[object], prefix: str = "") -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                path = prefix + "/".join("{}" if "{" in part else part for part in route.path.split("/"))
                found.update({(method, path): route for method in route.methods})

    for module in application._ROUTES:
        gather(list(module.router.routes))
    for spelling in ("/api/push-subscriptions", "/api/pushsubscriptions"):
        gather(list(push._routes.routes), spelling)
    return found


ROUTES = routes()


@pytest.mark.parametrize("line", LINES, ids=str)
def test_it_is_there_for_whom_and_as_often_as_the_contract_says(line: Line) -> None:
    route = ROUTES[line.method, line.path]
    calls = [one.call for one in route.dependant.dependencies]
    if file_reader in calls:  # a page opens it without a header: see deps
        assert (line.scopes, line.rate) == (READS, API)
        return
    (guard,) = [call for call in calls if isinstance(call, User | RequireScope)]
    if isinstance(guard, User):
        assert (guard._rule.any_of, guard._rule.rate) == (line.scopes, line.rate)
    else:
        assert (guard.any_of, line.rate) == (line.scopes, None)


async def test_without_a_credential_all_but_the_public_is_401(api: ApiHost) -> None:
    async with api.client() as nobody:
        for path in PUBLIC:
            assert (await nobody.get(path)).status_code == 200, path
        for line in LINES:
            answer = await nobody.request(line.method, line.path.replace("{}", str(uuid4())))
            assert answer.status_code == 401, line
            assert answer.headers["www-authenticate"].startswith("Bearer"), line
            assert answer.headers["content-type"] == "application/problem+json", line


async def test_a_key_without_the_scope_is_403_whatever_it_asks_about(api: ApiHost) -> None:
    user_id = await api.user("ann@example.test")
    other = {True: await api.key(user_id, Scope.API_WRITE), False: await api.key(user_id, Scope.API_READ)}
    for line in LINES:
        async with api.client(other[Scope.API_READ in line.scopes]) as client:
            answer = await client.request(line.method, line.path.replace("{}", str(uuid4())))
        assert answer.status_code == 403, line
        assert answer.headers["content-type"] == "application/problem+json", line


async def test_the_app_alone_does_not_open_what_is_for_programs_of_others(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        assert (await client.get("/api/external/emails")).status_code == 403


async def test_what_is_not_the_callers_is_404_and_never_403(api: ApiHost) -> None:
    key = await api.key(await api.user("ann@example.test"), Scope.API_READ, Scope.API_WRITE)
    async with api.client(key) as client:
        for line in ABOUT_ONE:
            for id in (str(uuid4()), "not-an-id"):
                body = BODIES.get(str(line))
                answer = await client.request(line.method, line.path.replace("{}", id), json=body)
                assert answer.status_code == 404, (line, id, answer.text)
                assert answer.headers["content-type"] == "application/problem+json", line
        assert (await client.get(f"/api/emails/threads/{uuid4()}")).json() == []
