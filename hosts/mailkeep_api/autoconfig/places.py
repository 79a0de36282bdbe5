"""Where a mail program connects: the listeners that this installation has, as the outside reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from mailkeep.settings import Settings


@dataclass(frozen=True, slots=True)
class Listener:
    """One way in. `starttls` says that TLS begins with a command, else with the connection (RFC 8314)."""

    protocol: str  # imap, pop3 or smtp
    host: str
    port: int
    starttls: bool


def listeners(settings: Settings) -> list[Listener]:
    """Of each protocol, with TLS from the first octet before STARTTLS, as RFC 8314 section 3 prefers it."""
    host = public_host(settings)
    kinds = (
        ("imap", settings.imap.tls, settings.imap.plain),
        ("pop3", settings.pop3.tls, settings.pop3.plain),
        ("smtp", settings.smtp.submissions, settings.smtp.submission),
    )
    return [
        Listener(protocol, host, int(places[0].rpartition(":")[2]), starttls)
        for protocol, implicit, plain in kinds
        for places, starttls in ((implicit, False), (plain, True))
        if places
    ]


def public_host(settings: Settings) -> str:
    """What this server is called by those who connect."""
    return urlsplit(settings.api.public_url).hostname or settings.smtp.hostname


def public_url(settings: Settings, asked: str) -> str:
    """The API's base without a slash at its end; `asked` is the one that this request was sent to."""
    return (settings.api.public_url or asked).rstrip("/")
