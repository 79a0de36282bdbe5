"""Pages for people: templates that escape everything, and headers that let a page do its own work alone.

No script or style stands inside a page, and nothing is loaded from elsewhere, so the policy can forbid it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PRIVATE = {**HEADERS, "Cache-Control": "no-store"}
"""For a page that shows something of somebody's."""


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A private page from `templates/`."""
    text = _environment().get_template(template).render(values)
    return HTMLResponse(text, status, headers=PRIVATE)


@cache
def _environment() -> Environment:
    """Made at the first page: a host that shows none need not load it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    from mailkeep_api.console.words import GLOBALS  # noqa: PLC0415

    made = Environment(
        loader=PackageLoader("mailkeep_api.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(GLOBALS)
    return made
