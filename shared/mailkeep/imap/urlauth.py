"""What stands behind the message in a URL of URLAUTH: until when, for whom, by whose word (RFC 4467).

The token of the INTERNAL mechanism is a version octet and HMAC-SHA-256 over the URL as far as its access
identifier, in hexadecimal. The secret is its mailbox's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import unquote

from mailkeep.imap.urls import MessageUrl, UrlInvalid, parse_url

INTERNAL = "INTERNAL"
_VERSION = b"\x01"
_REST = re.compile(
    r"(?:;EXPIRE=(?P<expire>[^;]{20,40}))?;URLAUTH="
    r"(?:(?P<kind>SUBMIT|USER)\+(?P<user>[^;:@/?]+)|(?P<plain>AUTHUSER|ANONYMOUS))"
    r"(?::(?P<mechanism>[A-Z0-9.-]+):(?P<token>[0-9A-F]{32,200}))?",
    re.IGNORECASE | re.ASCII,
)
# RFC 3339 section 5.6, date-time
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE | re.ASCII
)


class Access(Enum):
    """RFC 4467 section 3: who may use the URL."""

    SUBMIT = "SUBMIT"  # a server that sends mail, for the user named
    USER = "USER"  # that user
    AUTHUSER = "AUTHUSER"  # whoever has authenticated
    ANONYMOUS = "ANONYMOUS"  # anybody


@dataclass(frozen=True, slots=True)
class AuthUrl:
    """`rump` is the URL as far as the access identifier; `user` is the one it names, "" for those that name
    none. `token` is "" before it is signed."""

    message: MessageUrl
    rump: str
    access: Access
    user: str = ""
    expires: datetime | None = None
    mechanism: str = ""
    token: str = field(default="", repr=False)

    def signed(self, secret: bytes) -> str:
        """The whole URL."""
        return f"{self.rump}:{INTERNAL.lower()}:{_token(self.rump, secret)}"

    def is_signed_by(self, secret: bytes) -> bool:
        """True if the token is this secret's. Takes the same time whatever the answer."""
        return hmac.compare_digest(self.token.lower(), _token(self.rump, secret))


def parse_auth_url(text: str) -> AuthUrl:
    """A URL of URLAUTH, with its token or without. Raises UrlInvalid."""
    message = parse_url(text)
    found = _REST.fullmatch(message.rest)
    if found is None or message.server is None or not message.user:
        raise UrlInvalid("That is no URL of URLAUTH.")
    token = found["token"] or ""
    behind = len(f":{found['mechanism']}:{token}") if token else 0
    return AuthUrl(
        message,
        text[: len(text) - behind],
        Access((found["kind"] or found["plain"]).upper()),
        unquote(found["user"] or "", errors="replace"),
        _moment(found["expire"]),
        (found["mechanism"] or "").upper(),
        token,
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if not _MOMENT.fullmatch(text):
        raise UrlInvalid("EXPIRE is a moment of RFC 3339.")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UrlInvalid("There is no such moment.") from None


def _token(rump: str, secret: bytes) -> str:
    return (_VERSION + hmac.digest(secret, rump.encode("ascii"), hashlib.sha256)).hex()
