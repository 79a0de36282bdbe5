"""The page at "/": where a person who typed the address learns how to set up their mail program."""

from __future__ import annotations

import html
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from mailkeep.settings import Settings
from mailkeep_api.deps import ServicesDep

router = APIRouter(include_in_schema=False)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = files(__package__).joinpath("welcome.html").read_text("utf-8")
_STYLE = files(__package__).joinpath("style.css").read_text("utf-8")


@router.get("/", response_class=HTMLResponse)
async def welcome(request: Request, services: ServicesDep) -> HTMLResponse:
    """The listeners as this client reaches them: by the name that it asked this page for."""
    rows = "".join(
        f"<tr><td>{use}</td><td>{html.escape(host)}</td><td>{port}</td><td>{security}</td></tr>"
        for use, host, port, security in _rows(services.settings, request.url.hostname or "localhost")
    )
    return HTMLResponse(_PAGE.replace("<!-- rows -->", rows), headers=_HEADERS)


@router.get("/style.css")
async def style() -> HTMLResponse:
    """The one style sheet, light and dark."""
    return HTMLResponse(_STYLE, media_type="text/css", headers={**_HEADERS, "Cache-Control": "max-age=3600"})


def _rows(settings: Settings, host: str) -> list[tuple[str, str, str, str]]:
    listeners = (
        ("Read mail: IMAP", settings.imap.tls, "SSL/TLS"),
        ("Read mail: IMAP", settings.imap.plain, "STARTTLS"),
        ("Read mail: POP3", settings.pop3.tls, "SSL/TLS"),
        ("Read mail: POP3", settings.pop3.plain, "STARTTLS"),
        ("Send mail: SMTP", settings.smtp.submissions, "SSL/TLS"),
        ("Send mail: SMTP", settings.smtp.submission, "STARTTLS"),
    )
    return [
        (use, host, endpoint.rpartition(":")[2], security)
        for use, endpoints, security in listeners
        for endpoint in endpoints[:1]
    ]
