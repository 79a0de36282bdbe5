"""The application: its routes, its error form, nothing of sockets or processes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

from mailkeep import __version__
from mailkeep_api import errors, openapi
from mailkeep_api.console import (
    account_pages,
    assets,
    mail_pages,
    operator_pages,
    profile_pages,
    sorting_pages,
    thread_pages,
    welcome,
)
from mailkeep_api.deps import Services
from mailkeep_api.hosts import AllowedHosts
from mailkeep_api.limits import BodyLimit
from mailkeep_api.quick_lists import QuickLists
from mailkeep_api.routes import (
    audit,
    autoconfig,
    config,
    credentials,
    discovery,
    emails,
    events,
    external,
    files,
    filters,
    health,
    hub,
    internal,
    labels,
    mcp,
    oauth,
    operator,
    preferences,
    profile,
    push,
    sending,
)

_ROUTES = (
    emails,  # first: the framework asks each in turn whether a path is its own
    welcome,
    assets,
    account_pages,
    mail_pages,
    thread_pages,
    sorting_pages,
    profile_pages,
    operator_pages,
    health,
    config,
    discovery,
    sending,
    files,
    external,
    credentials,
    profile,
    preferences,
    audit,
    labels,
    filters,
    push,
    autoconfig,
    events,
    hub,
    internal,
    oauth,
    operator,
    mcp,
)
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""The framework's own would name paths and queries, which may be secret: see `observed_requests`."""
ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Accept",
    "X-Request-Id",
    "X-Requested-With",
    "X-SignalR-User-Agent",
)
SHOWN_HEADERS = ("X-Request-Id",)


def create_app(services: Services) -> FastAPI:
    """The API over the given services. Making it opens nothing."""
    app = FastAPI(
        title="Mailkeep API",
        version=__version__,
        redirect_slashes=False,
        openapi_url=None,  # see `openapi`
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        # As they are: including a router makes each of its routes anew, which is most of a host's start.
        routes=[route for module in _ROUTES for route in module.router.routes],
    )
    app.state.services = services
    errors.install(app)
    app.add_middleware(QuickLists)  # each that is added goes around those before it
    app.add_middleware(
        CORSMiddleware,
        allow_origins=services.settings.api.cors_origins,
        allow_credentials=True,
        allow_methods=ALLOWED_METHODS,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=SHOWN_HEADERS,
    )
    app.add_middleware(BodyLimit)
    if services.settings.api.allowed_hosts:
        app.add_middleware(AllowedHosts, allowed=services.settings.api.allowed_hosts)
    openapi.install(app)
    return app
