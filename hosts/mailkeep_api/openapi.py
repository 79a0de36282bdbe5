"""The OpenAPI document, with what the framework cannot know: how a caller proves who they are, and the one
form of every error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from mailkeep_api.schemas.sending import NewMessage

PATH = "/openapi.json"

Document = dict[str, Any]

# Said in every caller's route: an id of the wrong form is 404, a body that cannot be read 400.
_REFUSALS = {
    "400": "The request does not have the right form, or asks for what cannot be",
    "401": "No credential, or one that this API does not take",
    "403": "The credential lacks the route's scope",
    "404": "There is no such thing, or it is not the caller's",
    "409": "There is such a thing already",
    "413": "The request is larger than the limit",
    "429": "Too many requests; Retry-After says when the next is welcome",
    "507": "The account holds as many as it may",
    "503": "The store does not answer; the same request may succeed later",
}
# What changes by a body may say beside those.
_MORE = {
    "/api/labels": ("409", "507"),
    "/api/labels/{label_id}": ("409",),
    "/api/filters": ("404", "507"),
    "/api/emails": ("404", "507"),
}
_RARE = ("409", "507")
_PUBLIC_REFUSALS = ("503",)
_PUBLIC = frozenset(
    (
        "/health",
        "/health/live",
        "/api/discovery",
        "/config/config.json",
        "/api/push-subscriptions/vapid-public-key",
    )
)
_BROWSER = "/oauth/"  # by cookie, or by nothing yet
_BROWSER_REFUSALS = ("400", "401", "403", "404", "413", "429", "503")
_WITHOUT_RATE = ("/api/internal/",)
_PROBLEM: Document = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string", "description": "As `detail`, where the request was refused with 400"},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        "traceId": {"type": "string"},
    },
}
_SCHEMES: Document = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token"},
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`ApiKey`, a space, and an API key",
    },
}
_METHODS = ("get", "put", "post", "patch", "delete")


def install(app: FastAPI) -> None:
    """Have the app serve the completed document. It is made at its first use, which takes a second, in a
    thread."""
    making = threading.Lock()

    def document() -> Document:
        with making:
            if app.openapi_schema is None:
                app.openapi_schema = _completed(
                    get_openapi(title=app.title, version=app.version, routes=app.routes)
                )
            return app.openapi_schema

    async def served(_: Request) -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(document))

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document
    app.add_route(PATH, served, include_in_schema=False)


def _completed(made: Document) -> Document:
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    schemas.update(_describe_sending(made["paths"]["/api/emails"]["post"]))
    components["securitySchemes"] = _SCHEMES
    for path, operation in _operations(made):
        responses = operation["responses"]
        responses.pop("422", None)  # the framework's own; here it is 400
        for status in _refusals(path, operation):
            responses[status] = _problem(status)
        if path not in _PUBLIC and not path.startswith(_BROWSER):
            operation["security"] = [{name: []} for name in _SCHEMES]
    return made


def _describe_sending(operation: Document) -> Document:
    """The body that the route reads by itself; returns the schemas that it refers to."""
    schema = NewMessage.model_json_schema(ref_template="#/components/schemas/{model}")
    referred: Document = schema.pop("$defs", {})
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return referred


def _operations(made: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in made["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield path, methods[method]


def _refusals(path: str, operation: Document) -> Iterator[str]:
    for status in _possible(path):
        if status == "404" and "{" not in path and not path.startswith(_BROWSER):
            continue
        if status == "413" and "requestBody" not in operation:
            continue
        if status == "429" and path.startswith(_WITHOUT_RATE):
            continue
        yield status
    if "requestBody" in operation:
        yield from _MORE.get(path, ())


def _possible(path: str) -> Iterable[str]:
    if path.startswith(_BROWSER):
        return _BROWSER_REFUSALS
    if path in _PUBLIC:
        return _PUBLIC_REFUSALS
    return [status for status in _REFUSALS if status not in _RARE]


def _problem(status: str) -> Document:
    told: Document = {
        "description": _REFUSALS[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in ("429", "503"):
        told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    if status == "401":
        told["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return told
