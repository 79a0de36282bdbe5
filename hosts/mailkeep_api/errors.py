"""Domain errors as HTTP: the one place where a status code is chosen.

Every error body is problem+json (RFC 9457). A peer's error and a refusal say what is wrong; a fault says
nothing but a correlation id, under which the log has the cause.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mailkeep import errors
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep_api.allowed import methods_at
from mailkeep_api.rates import TooManyRequests

_log = get_logger("api")

RETRY_SECONDS = 5  # what a client waits where nothing tells the time better
UNAUTHENTICATED = {"WWW-Authenticate": 'Bearer realm="mailkeep"'}

# The first class that matches decides, so the narrower stand first.
_STATUS: tuple[tuple[type[errors.MailkeepError], HTTPStatus], ...] = (
    (errors.AuthenticationFailed, HTTPStatus.UNAUTHORIZED),
    (errors.PermissionRefused, HTTPStatus.FORBIDDEN),
    (errors.SenderRefused, HTTPStatus.FORBIDDEN),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.AlreadyExists, HTTPStatus.CONFLICT),
    (errors.InUse, HTTPStatus.CONFLICT),
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.LimitExceeded, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.Throttled, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.TooManyConnections, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.OverQuota, HTTPStatus.INSUFFICIENT_STORAGE),
    (errors.Refusal, HTTPStatus.BAD_REQUEST),
    (errors.PeerError, HTTPStatus.BAD_REQUEST),
    (errors.StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.IssuerUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.Fault, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def problem(
    status: int,
    detail: str = "",
    *,
    extra: dict[str, object] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """One problem+json answer. 401 always names the scheme to use (RFC 9110 section 11.6.1)."""
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    body.update(extra or {})
    merged = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        merged = {**UNAUTHENTICATED, **merged}
    return JSONResponse(body, status, merged, media_type="application/problem+json")


def status_of(error: errors.MailkeepError) -> HTTPStatus:
    """The status code for a domain error."""
    return next(
        (status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR
    )


def install(app: FastAPI) -> None:
    """Answer every error of the app in the same form."""
    app.add_exception_handler(errors.MailkeepError, domain_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, _unexpected)


async def domain_error(request: HTTPConnection, error: Exception) -> JSONResponse:
    """The answer to a domain error, also to a WebSocket that is not accepted."""
    assert isinstance(error, errors.MailkeepError)
    status = status_of(error)
    if isinstance(error, errors.Fault):
        return _fault(request, error, status)
    text = str(error)
    # Clients of the contract read `error` where a request is refused for what it says.
    extra: dict[str, object] | None = {"error": text} if status == HTTPStatus.BAD_REQUEST else None
    return problem(status, text, extra=extra, headers=_headers(request, error, status))


def _headers(
    request: HTTPConnection, error: errors.MailkeepError, status: HTTPStatus
) -> dict[str, str] | None:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = error.retry_after if isinstance(error, TooManyRequests) else RETRY_SECONDS
        return {"Retry-After": str(seconds)}
    # RFC 6750 section 3.1: no error code for a request that brought no credential at all.
    if isinstance(error, errors.AuthenticationFailed) and "authorization" in request.headers:
        code = "insufficient_scope" if isinstance(error, errors.ScopeMissing) else "invalid_token"
        return {"WWW-Authenticate": f'{UNAUTHENTICATED["WWW-Authenticate"]}, error="{code}"'}
    return None


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.update(_allowed(request))
    return problem(error.status_code, str(error.detail), headers=headers)


def _allowed(request: Request) -> dict[str, str]:
    """All methods of the resource."""
    methods = methods_at(request.app, request.url.path)
    return {"Allow": ", ".join(methods)} if methods else {}


async def invalid(request: Request, error: Exception) -> JSONResponse:
    """The answer to a request of the wrong form."""
    assert isinstance(error, RequestValidationError)
    if any(entry["loc"][0] == "path" for entry in error.errors()):
        return problem(HTTPStatus.NOT_FOUND)  # an id of the wrong form names nothing
    found = {".".join(str(part) for part in entry["loc"]): entry["msg"] for entry in error.errors()}
    return problem(
        HTTPStatus.BAD_REQUEST, "The request does not have the right form.", extra={"errors": found}
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return _fault(request, error, HTTPStatus.INTERNAL_SERVER_ERROR)


def _fault(request: HTTPConnection, error: Exception, status: HTTPStatus) -> JSONResponse:
    correlation_id = new_correlation_id()
    _log.error("request failed", path=request.url.path, correlation_id=correlation_id, **cause_of(error))
    retry = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    detail = f"Something failed on our side; the operator finds it under {correlation_id}."
    return problem(status, detail, extra={"traceId": correlation_id}, headers=retry)
