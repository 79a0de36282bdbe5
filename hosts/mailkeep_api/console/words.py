"""How pages say things: times, spans, names. Escaping is the templates' own affair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

_NAMES = {"gmail": "Gmail", "outlook": "Outlook"}


def when(at: datetime) -> Markup:
    """A time in UTC, which script shows in the reader's own zone."""
    text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<time class="at" datetime="{}">{}</time>').format(at.isoformat(), text)


def minutes(left: timedelta) -> str:
    """What is left of a span, in whole minutes."""
    whole = int(left.total_seconds() // 60)
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


PAGES = (
    ("/console/mail", "Mail"),
    ("/console/compose", "Write"),
    ("/console/keys", "Keys"),
    ("/console/addresses", "Addresses"),
    ("/console/accounts", "Accounts"),
    ("/console/sign-ins", "Sign-ins"),
)
"""The header's links."""

GLOBALS: Mapping[str, Callable[..., object] | tuple[object, ...]] = {
    "when": when,
    "minutes": minutes,
    "size": size,
    "shown_name": shown_name,
    "pages": PAGES,
}
"""What templates may call."""
