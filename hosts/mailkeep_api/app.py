"""The application: its routes, its error form, nothing of sockets or processes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from mailkeep import __version__
from mailkeep_api import errors, openapi
from mailkeep_api.console import account_pages, assets, mail_pages, operator_pages, profile_pages, welcome
from mailkeep_api.deps import Services
from mailkeep_api.limits import BodyLimit
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
    preferences,
    profile,
    push,
    sending,
)

_ROUTES = (
    welcome,
    assets,
    account_pages,
    mail_pages,
    profile_pages,
    operator_pages,
    health,
    config,
    discovery,
    emails,
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
    mcp,
)
ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED_HEADERS = ("Authorization", "Content-Type", "Accept", "X-Requested-With", "X-SignalR-User-Agent")


def create_app(services: Services) -> FastAPI:
    """The API over the given services. Making it opens nothing."""
    app = FastAPI(
        title="Mailkeep API", version=__version__, redirect_slashes=False, docs_url=None, redoc_url=None
    )
    app.state.services = services
    errors.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=services.settings.api.cors_origins,
        allow_credentials=True,
        allow_methods=ALLOWED_METHODS,
        allow_headers=ALLOWED_HEADERS,
    )
    app.add_middleware(BodyLimit)
    for module in _ROUTES:
        app.include_router(module.router)
    openapi.install(app)
    return app
