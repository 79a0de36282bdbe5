"""A browser signs in at a real OpenID Provider through a real API host, which is then killed: nothing of it
is left anywhere. On both databases."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
import pytest
from tests.live.conftest import _database
from tests.support.leftovers import holders, places_of
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import CLIENT_ID, RESOURCE, RunningIssuer, running_issuer

SUBJECT = "browsing-person"
SCOPE = "openid email profile api:read api:write"
SECONDS = 60.0
ANY_JWT = b"eyJhbGciOi"  # {"alg": in base64url, as each of the provider's tokens begins
SIGNED_OUT = {
    "authenticated": False,
    "address": None,
    "expiresAt": None,
    "csrfToken": None,
    "connections": [],
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def up(
    backend: str, request: pytest.FixtureRequest, issuer: RunningIssuer, tmp_path: Path
) -> Iterator[MailkeepWithIssuer]:
    provider = {
        "kind": "oidc",
        "client_id": CLIENT_ID,
        "issuer": issuer.issuer,
        "scope": SCOPE,
        "resource": RESOURCE,
        "parameters": {"login_hint": SUBJECT, "prompt": "consent"},
    }
    made = MailkeepWithIssuer(tmp_path, _database(backend, request), issuer)
    made.environ["MAILKEEP_SESSIONS_PROVIDERS"] = json.dumps([provider])
    with made as running:
        yield running


def sign_in(browser: httpx2.Client, up: MailkeepWithIssuer, seen: set[bytes]) -> httpx2.Response:
    """Follow each redirect as a browser does, to the provider and back. `seen`: what nobody may keep."""
    url = f"{up.api_url}/oauth/authorize?provider=oidc&return_to=/api/profile"
    for _ in range(12):
        answer = browser.get(url)
        if not answer.is_redirect:
            return answer
        url = urljoin(url, answer.headers["location"])
        named = dict(parse_qsl(urlsplit(url).query))
        seen |= {named[name].encode() for name in ("code", "state", "nonce") if name in named}
    raise AssertionError("too many redirects")


def test_a_session_is_in_memory_and_nowhere_else(
    up: MailkeepWithIssuer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    secrets = {ANY_JWT}
    with httpx2.Client(timeout=SECONDS, trust_env=False) as browser:
        arrived = sign_in(browser, up, secrets)
        assert arrived.json()["email"] == f"{SUBJECT}@example.test"
        status = browser.get(f"{up.api_url}/oauth/status").json()
        [api] = up.pids("api")
        assert "Max core file size        0                    0" in Path(f"/proc/{api}/limits").read_text()
        os.kill(api, signal.SIGKILL)
        assert until_answered(browser, f"{up.api_url}/oauth/status") == {**SIGNED_OUT, "providers": ["oidc"]}
        secrets |= {browser.cookies["email_session"].encode(), status["csrfToken"].encode()}
    assert len(secrets) >= 6
    places = places_of(up, tmp_path, request)
    assert holders(places, {SUBJECT.encode()}) != [], "the person is there, so the search finds what is there"
    assert holders(places, secrets) == []


def until_answered(browser: httpx2.Client, url: str) -> dict[str, object]:
    """The first answer after a restart."""
    for _ in range(300):
        try:
            found: dict[str, object] = browser.get(url).json()
            return found
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError("the host did not come back")
