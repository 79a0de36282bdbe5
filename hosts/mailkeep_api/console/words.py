"""How pages say things: times, spans, names. Escaping is the templates' own affair."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}\Z|[a-zA-Z]{1,20}\Z")
_NAMES = {"gmail": "Gmail", "outlook": "Outlook"}


def when(at: datetime, manner: str = "at") -> Markup:
    """A time in UTC, which script shows in the reader's own zone: in full, or "brief" for a list."""
    text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<time class="{}" datetime="{}">{}</time>').format(manner, at.isoformat(), text)


def minutes(left: timedelta) -> str:
    """What is left of a span, in whole minutes."""
    whole = int(left.total_seconds() // 60)
    if whole < 1:
        return "less than a minute"
    return "1 minute" if whole == 1 else f"{whole} minutes"


def size(octets: int) -> str:
    """A size as people read it."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if octets >= factor:
            return f"{octets / factor:.1f} {unit}"
    return f"{octets} bytes"


def shown_name(provider: str) -> str:
    """What people call a provider; a name of the operator's own stays as it is."""
    return _NAMES.get(provider, provider.replace("_", " "))


def dot(color: str) -> Markup:
    """A label's colour. An attribute of SVG, because the policy allows no inline style."""
    return Markup(
        '<svg class="dot" width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">'
        '<circle cx="5" cy="5" r="4.5" fill="{}"/></svg>'
    ).format(color if _COLOR.match(color) else "gray")


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("Linux", "Linux"),
)


def shown_browser(agent: str) -> str:
    """What a browser and its system are called, as far as it says so itself."""
    browser = next((name for word, name in _BROWSERS if word in agent), "")
    system = next((name for word, name in _SYSTEMS if word in agent), "")
    if not browser:
        return agent[:60] or "A browser that does not say which"
    return f"{browser} on {system}" if system else browser


PAGES = (
    ("/console/mail", "Mail"),
    ("/console/compose", "Write"),
    ("/console/labels", "Labels"),
    ("/console/filters", "Filters"),
    ("/console/keys", "Keys"),
    ("/console/addresses", "Addresses"),
    ("/console/accounts", "Accounts"),
    ("/console/sign-ins", "Sign-ins"),
    ("/console/settings", "Settings"),
)
"""The header's links."""

GLOBALS: Mapping[str, Callable[..., object] | tuple[object, ...]] = {
    "when": when,
    "minutes": minutes,
    "size": size,
    "shown_name": shown_name,
    "shown_browser": shown_browser,
    "dot": dot,
    "pages": PAGES,
}
"""What templates may call."""
