"""A person signs in on the issuer's own pages, and lends accounts elsewhere: clicked in a real browser.

The issuer is the certified one; Google's and Microsoft's endpoints are those of the same, asked as theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live.conftest import _database
from tests.support.browser.running import Chromium, running_chromium
from tests.support.oidc.hosts import MailkeepWithIssuer
from tests.support.oidc.running import CLIENT_ID, RESOURCE, RunningIssuer, running_issuer

PERSON = "clicking-person"
ACCOUNTS = "/console/accounts"


def providers(issuer: RunningIssuer) -> list[dict[str, object]]:
    """The kinds' own scopes and parameters, but that Google's token lives for a few seconds."""
    stand_in = {
        "client_id": CLIENT_ID,
        "authorization_endpoint": f"{issuer.issuer}/auth",
        "token_endpoint": f"{issuer.issuer}/token",
    }
    work = {
        "kind": "oidc",
        "name": "work_place",
        "client_id": CLIENT_ID,
        "issuer": issuer.issuer,
        "scope": "openid email profile api:read api:write",
        "resource": RESOURCE,
    }
    brief = "openid email https://mail.google.com/ brief"
    gmail = {**stand_in, "kind": "gmail", "scope": brief, "userinfo_endpoint": f"{issuer.issuer}/me"}
    return [work, gmail, {**stand_in, "kind": "outlook"}]


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer(clicked=True) as running:
        yield running


@pytest.fixture
def up(
    backend: str, request: pytest.FixtureRequest, issuer: RunningIssuer, tmp_path: Path
) -> Iterator[MailkeepWithIssuer]:
    made = MailkeepWithIssuer(tmp_path, _database(backend, request), issuer)
    made.environ["MAILKEEP_SESSIONS_PROVIDERS"] = json.dumps(providers(issuer))
    with made as running:
        yield running


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    home = tmp_path / "chromium"
    home.mkdir()
    with running_chromium(home) as running:
        running.open()
        yield running


def test_sign_in_connect_let_it_end_connect_again_and_disconnect(
    up: MailkeepWithIssuer, browser: Chromium
) -> None:
    browser.goto(f"{up.api_url}{ACCOUNTS}")
    browser.click("text=Sign in with work place")
    browser.fill("#login", PERSON)
    browser.click("text=Continue")
    browser.click("text=Refuse")
    browser.see("[role=alert]", "You did not agree")
    browser.click("text=Back to signing in")
    browser.click("text=Sign in with work place")
    browser.click("text=Allow")
    browser.arrive("/console/mail")
    browser.see(".who", f"{PERSON}@example.test")

    browser.goto(f"{up.api_url}{ACCOUNTS}")
    browser.click("text=Connect Gmail")
    browser.click("text=Allow")
    browser.arrive(ACCOUNTS)
    browser.see(".cards", "connected for another less than a minute")
    assert "Re-authenticate" not in browser.text(".cards")
    browser.see(".cards", "Gmail: its time is over")  # without a reload by hand
    browser.click("text=Re-authenticate")
    browser.click("text=Allow")
    browser.arrive(ACCOUNTS)
    browser.see(".cards", "connected for another less than a minute")
    browser.click("text=Disconnect")
    browser.see("text=Connect Gmail", "")

    browser.click("text=Connect Outlook")
    browser.fill("#login", "at-work")
    browser.click("text=Continue")
    browser.click("text=Allow")
    browser.arrive(ACCOUNTS)
    browser.see(".cards", "at-work@example.test")
    browser.see(".cards", "9 minutes")

    browser.click("text=Sign out")
    browser.arrive("/console/sign-in")
    refused = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    assert browser.complaints() == [refused]  # the page that says so
