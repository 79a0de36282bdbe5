"""The OpenAPI document says what the routes do, and names no route or answer that is not there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope

PUBLIC = {
    "/health",
    "/health/live",
    "/api/discovery",
    "/config/config.json",
    "/api/push-subscriptions/vapid-public-key",
}
BROWSER = "/oauth/"
NAMING = {("post", "/api/emails"), ("post", "/api/filters")}  # their bodies name messages and labels
METHODS = {"get", "put", "post", "patch", "delete"}


async def document(api: ApiHost) -> dict[str, Any]:
    async with api.client() as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


async def test_a_method_that_a_resource_lacks_is_405_with_those_that_it_has(api: ApiHost) -> None:
    async with api.client() as client:
        of_path = await client.patch("/api/labels")
        of_id = await client.post(f"/api/emails/{uuid4()}")
        of_none = await client.delete("/api/discovery")
    assert (of_path.status_code, of_path.headers["allow"]) == (405, "GET, POST")
    assert (of_id.status_code, of_id.headers["allow"]) == (405, "DELETE, GET, PATCH")
    assert (of_none.status_code, of_none.headers["allow"]) == (405, "GET")


async def test_every_route_says_how_to_prove_oneself_and_how_it_refuses(api: ApiHost) -> None:
    for path, methods in (await document(api))["paths"].items():
        for method in METHODS & set(methods):
            operation = methods[method]
            assert "422" not in operation["responses"]
            is_browsers = path.startswith(BROWSER)
            assert bool(operation.get("security")) is (path not in PUBLIC and not is_browsers)
            if path in PUBLIC:
                continue
            assert {"400", "401", "403", "503"} <= set(operation["responses"])
            names_others = (method, path) in NAMING
            assert ("404" in operation["responses"]) is ("{" in path or is_browsers or names_others)
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"]


async def test_nothing_refers_to_what_is_not_there(api: ApiHost) -> None:
    found = await document(api)
    schemas = found["components"]["schemas"]
    named = {
        part.partition('"')[0] for part in str(found).replace("'", '"').split("#/components/schemas/")[1:]
    }
    assert named <= set(schemas)
    assert "HTTPValidationError" not in schemas


async def test_octets_are_described_as_octets(api: ApiHost) -> None:
    paths = (await document(api))["paths"]
    for path, media_type in (
        ("/api/emails/{email_id}/export/eml", "message/rfc822"),
        ("/api/emails/export/mbox", "application/mbox"),
        ("/api/emails/{email_id}/attachments/{attachment_id}", "*/*"),
    ):
        answer = paths[path]["get"]["responses"]["200"]
        assert list(answer["content"]) == [media_type]
    deleted = paths["/api/emails/{email_id}"]["delete"]["responses"]
    assert "content" not in deleted["204"]


async def test_a_refusal_at_400_says_it_where_clients_look(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        answer = await client.post("/api/smtp-credentials", json={"name": "k", "scopes": ["root"]})
    assert answer.status_code == 400
    assert answer.json()["error"] == answer.json()["detail"]
