"""The settings, beyond what makes them unusable: what a production server should not have."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from mailkeep.model.finding import Finding, failure, ok, warning
from mailkeep.settings import Settings
from mailkeep.settings_identity import has_public_listener

CHECK = "settings"


def check(settings: Settings) -> Iterator[Finding]:
    """Every slip; one finding that all is well if there is none."""
    slips = [*_hostname(settings), *_secrecy(settings), *_files(settings)]
    yield from slips or [ok(CHECK, "The settings can be used.")]


def listeners(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Every address that the settings listen on, by the listener's name."""
    smtp, pop3, imap = settings.smtp, settings.pop3, settings.imap
    return {
        "mx": smtp.mx,
        "submission": smtp.submission,
        "submissions": smtp.submissions,
        "pop3": pop3.plain,
        "pop3s": pop3.tls,
        "imap": imap.plain,
        "imaps": imap.tls,
        "api": settings.api.listen,
    }


def _hostname(settings: Settings) -> Iterator[Finding]:
    places = [place for group in listeners(settings).values() for place in group]
    if not places:
        yield failure(CHECK, "No host listens anywhere.", "Name addresses in the settings, or give --config.")
    if settings.smtp.mx and "." not in settings.smtp.hostname.strip("."):
        yield warning(
            CHECK,
            f"The SMTP host calls itself '{settings.smtp.hostname}'.",
            "Set [smtp] hostname to the name that DNS has for this machine.",
        )


def _secrecy(settings: Settings) -> Iterator[Finding]:
    places = tuple(place for group in listeners(settings).values() for place in group)
    public = has_public_listener(places)
    if public and not settings.tls.certificate and not settings.tls.certificates:
        yield failure(
            CHECK,
            "Clients reach this server without TLS.",
            "Set [tls] certificate and key; certbot gets them.",
        )
    if settings.auth.insecure_loopback_auth and public:
        yield warning(
            CHECK,
            "Secrets are taken in the clear from this machine.",
            "Set [auth] insecure_loopback_auth = false, unless a proxy on this machine needs it.",
        )
    if settings.auth.development_tokens == "on" and public and not settings.auth.issuers:
        yield failure(
            CHECK,
            "Whoever has the development key is everybody, and a listener is public.",
            'Set [[auth.issuers]], and [auth] development_tokens = "auto".',
        )


def _files(settings: Settings) -> Iterator[Finding]:
    """Files that others on the machine can read."""
    tls = settings.tls
    for path in (tls.key, *(pair.key for pair in tls.certificates), settings.notify.key_file):
        try:
            mode = Path(path).stat().st_mode if path else 0
        except OSError:
            continue  # said where it is used
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            yield failure(CHECK, f"Everybody on this machine can read '{path}'.", f"chmod o-rwx '{path}'")
