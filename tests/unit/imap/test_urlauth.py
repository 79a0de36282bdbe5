"""URLAUTH: its commands, and its URLs (RFC 4467)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.urlauth import URLS_LIMIT, GenUrlAuth, ResetKey, UrlFetch
from mailkeep.imap.urlauth import Access, AuthUrl, parse_auth_url
from mailkeep.imap.urls import UrlInvalid

RUMP = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;EXPIRE=2026-01-02T03:04:05Z;urlauth=submit+fred"
SECRET = bytes(range(32))


def test_commands_rfc4467_10() -> None:
    assert parsed("RESETKEY") == ResetKey("A")
    assert parsed("RESETKEY inbox internal") == ResetKey("A", "INBOX", ("INTERNAL",))
    assert parsed("GENURLAUTH a INTERNAL {1+}\r\nb internal") == GenUrlAuth(
        "A", (("a", "INTERNAL"), ("b", "INTERNAL"))
    )
    assert parsed('URLFETCH "a" b') == UrlFetch("A", ("a", "b"))
    for line in ("GENURLAUTH", "GENURLAUTH a", "GENURLAUTH a INTERNAL b", "URLFETCH", "RESETKEY a "):
        refused(line)
    refused("URLFETCH" + " x" * (URLS_LIMIT + 1))


def test_a_url_comes_apart() -> None:
    url = parse_auth_url(RUMP)
    assert (url.access, url.user, url.token) == (Access.SUBMIT, "fred", "")
    assert url.expires == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (url.message.mailbox, url.message.uid, url.message.user) == ("INBOX", 20, "joe")


@pytest.mark.parametrize(
    ("access", "kind", "user"),
    [
        ("anonymous", Access.ANONYMOUS, ""),
        ("AUTHUSER", Access.AUTHUSER, ""),
        ("user+a%40b.test", Access.USER, "a@b.test"),
    ],
)
def test_access_identifiers_rfc4467_3(access: str, kind: Access, user: str) -> None:
    url = parse_auth_url(f"imap://joe@x/a/;UID=1;URLAUTH={access}")
    assert (url.access, url.user, url.expires) == (kind, user, None)


def test_a_signature_holds_for_one_url_and_one_secret() -> None:
    signed = parse_auth_url(parse_auth_url(RUMP).signed(SECRET))
    assert signed.rump == RUMP
    assert signed.mechanism == "INTERNAL"
    assert signed.is_signed_by(SECRET)
    assert replace(signed, token=signed.token.upper()).is_signed_by(SECRET)
    assert not signed.is_signed_by(SECRET[::-1])
    assert not replace(signed, token="01" + "0" * 64).is_signed_by(SECRET)
    other = parse_auth_url(signed.signed(SECRET).replace("uid=20", "uid=21"))
    assert not other.is_signed_by(SECRET)


def test_tokens_stay_out_of_logs() -> None:
    url: AuthUrl = parse_auth_url(parse_auth_url(RUMP).signed(SECRET))
    assert url.token not in repr(url)
    assert "secret" not in repr(UrlFetch("A", ("secret",)))


@pytest.mark.parametrize(
    "text",
    [
        "/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://example.com/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://joe@example.com/INBOX/;UID=1",
        "imap://joe@example.com/INBOX/;UID=1;URLAUTH=",
        "imap://joe@example.com/INBOX/;UID=1;URLAUTH=everybody",
        "imap://joe@example.com/INBOX/;UID=1;URLAUTH=user+",
        "imap://joe@example.com/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:12",
        "imap://joe@example.com/INBOX/;UID=1;EXPIRE=2026-02-31T00:00:00Z;URLAUTH=anonymous",
        "imap://joe@example.com/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=anonymous",
        "imap://joe@example.com/INBOX/;UID=1;URLAUTH=anonymous;EXPIRE=2026-02-01T00:00:00Z",
    ],
)
def test_what_is_no_url_of_urlauth(text: str) -> None:
    with pytest.raises(UrlInvalid):
        parse_auth_url(text)
