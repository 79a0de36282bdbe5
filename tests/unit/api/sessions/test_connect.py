"""Connecting a mailbox elsewhere: RFC 6749 section 4.1 with RFC 7636, as a browser sees it."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode, urlsafe_b64encode

import pytest
from tests.support.api_host import ApiHost
from tests.support.oidc.served import ServedIssuer
from tests.unit.api.sessions.conftest import ACCESS_TOKEN, ADDRESS, Browser

from mailkeep.storage.interface import AuditRecord

SORRY = 400


async def test_the_request_to_google_asks_for_no_refresh_token(browser: Browser, api: ApiHost) -> None:
    asked = await browser.sent_away("gmail")
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{api.url}/oauth/callback"
    assert asked["code_challenge_method"] == "S256"
    assert (asked["access_type"], asked["prompt"]) == ("online", "consent")
    assert "offline_access" not in asked["scope"]


async def test_the_code_is_exchanged_with_the_verifier_of_its_challenge(
    browser: Browser, issuer: ServedIssuer
) -> None:
    asked = await browser.sent_away("gmail")
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "bearer"}
    issuer.people[ACCESS_TOKEN] = {"email": ADDRESS}
    await browser.comes_back(state=asked["state"], code="c")
    form = next(form for form in issuer.forms if "code_verifier" in form)
    digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
    assert asked["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert form["redirect_uri"] == [asked["redirect_uri"]]
    assert form["client_id"] == ["us"]


async def test_the_browser_gets_a_cookie_that_script_cannot_read(browser: Browser) -> None:
    answer = await browser.connect()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    [cookie] = [line for line in answer.headers.get_list("set-cookie") if line.startswith("email_session=")]
    words = {word.strip().lower() for word in cookie.split(";")}
    assert {"httponly", "samesite=lax", "path=/"} <= words
    assert "secure" not in words  # http on loopback: the only place where it is left out
    status = await browser.status()
    assert status["authenticated"] is True
    assert [(one["provider"], one["address"]) for one in status["connections"]] == [("gmail", ADDRESS)]  # type: ignore[attr-defined]


async def test_no_answer_shows_the_provider_s_token(browser: Browser) -> None:
    answer = await browser.connect(refresh_token="refresh-me")
    shown = answer.text + str(answer.headers) + str(await browser.status())
    assert ACCESS_TOKEN not in shown
    assert "refresh-me" not in shown


async def test_a_state_is_good_once(browser: Browser, issuer: ServedIssuer) -> None:
    asked = await browser.sent_away("gmail")
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "Bearer"}
    issuer.people[ACCESS_TOKEN] = {"email": ADDRESS}
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == 303
    again = await browser.comes_back(state=asked["state"], code="c")
    assert again.status_code == SORRY
    assert issuer.requests["/token"] == 1


async def test_another_browser_cannot_finish_it_and_uses_it_up(
    browser: Browser, other_browser: Browser, issuer: ServedIssuer
) -> None:
    asked = await browser.sent_away("gmail")
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "Bearer"}
    assert (await other_browser.comes_back(state=asked["state"], code="c")).status_code == SORRY
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == SORRY
    assert issuer.requests["/token"] == 0
    assert (await browser.status())["authenticated"] is False


async def test_the_id_changes_at_each_sign_in_and_the_old_one_is_dead(
    browser: Browser, other_browser: Browser
) -> None:
    await browser.connect()
    old = browser.client.cookies["email_session"]
    await browser.connect("gmail")
    assert browser.client.cookies["email_session"] != old
    other_browser.client.cookies.set("email_session", old)
    assert (await other_browser.status())["authenticated"] is False


async def test_who_did_not_agree_is_told_so(browser: Browser) -> None:
    asked = await browser.sent_away("gmail")
    answer = await browser.comes_back(state=asked["state"], error="access_denied")
    assert answer.status_code == SORRY
    assert "You did not agree" in answer.text
    assert (await browser.status())["authenticated"] is False


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": "t" * 20_000, "token_type": "Bearer"},
        {"access_token": "two\nlines", "token_type": "Bearer"},
        {"access_token": ["t"], "token_type": "Bearer"},
        {"access_token": "t", "token_type": "mac"},
        {"access_token": "t", "token_type": "Bearer", "expires_in": -1},
        {"access_token": "t", "token_type": "Bearer", "expires_in": "soon"},
        {"access_token": "t", "token_type": "Bearer", "expires_in": True},
    ],
)
async def test_a_token_endpoint_that_answers_nonsense_signs_nobody_in(
    browser: Browser, issuer: ServedIssuer, answer: dict[str, object]
) -> None:
    asked = await browser.sent_away("gmail")
    issuer.codes["c"] = answer
    issuer.people["t"] = {"email": ADDRESS}
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == SORRY
    assert (await browser.status())["authenticated"] is False


@pytest.mark.parametrize(
    "person", [{}, {"email": "nobody"}, {"email": 7}, {"email": ADDRESS, "email_verified": False}]
)
async def test_an_account_without_a_verified_address_is_not_connected(
    browser: Browser, issuer: ServedIssuer, person: dict[str, object]
) -> None:
    asked = await browser.sent_away("gmail")
    issuer.codes["c"] = {"access_token": "t", "token_type": "Bearer"}
    issuer.people["t"] = person
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == SORRY


def id_token(issuer: ServedIssuer, **claims: object) -> str:
    return issuer.token(aud="us", **claims)


async def test_microsoft_s_address_comes_from_the_id_token(browser: Browser, issuer: ServedIssuer) -> None:
    asked = await browser.sent_away("outlook")
    token = id_token(issuer, nonce=asked["nonce"], email=None, preferred_username=ADDRESS)
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token}
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == 303
    expected = "Basic " + b64encode(b"us:hush").decode()
    assert issuer.headers[-1]["authorization"] == expected  # RFC 6749 section 2.3.1


@pytest.mark.parametrize(
    "claims", [{"nonce": "other"}, {"nonce": None}, {"aud": "them"}, {"exp": 1}, {"exp": "never"}]
)
async def test_an_id_token_of_another_sign_in_is_refused(
    browser: Browser, issuer: ServedIssuer, claims: dict[str, object]
) -> None:
    asked = await browser.sent_away("outlook")
    token = issuer.token(**{"aud": "us", "nonce": asked["nonce"], "email": ADDRESS, **claims})
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token}
    assert (await browser.comes_back(state=asked["state"], code="c")).status_code == SORRY


async def test_an_unknown_provider_is_404(browser: Browser) -> None:
    answer = await browser.client.get("/oauth/authorize?provider=yahoo")
    assert answer.status_code == 404


async def test_a_provider_that_is_away_is_said_to_be(browser: Browser, issuer: ServedIssuer) -> None:
    issuer.down = True
    answer = await browser.client.get("/oauth/authorize?provider=oidc")
    assert answer.status_code == SORRY
    assert "try again" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("/inbox?page=2", "/inbox?page=2"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
async def test_the_browser_comes_back_to_this_server_alone(
    browser: Browser, issuer: ServedIssuer, asked: str, goes_to: str
) -> None:
    sent = await browser.sent_away("gmail", asked)
    issuer.codes["c"] = {"access_token": ACCESS_TOKEN, "token_type": "Bearer"}
    issuer.people[ACCESS_TOKEN] = {"email": ADDRESS}
    answer = await browser.comes_back(state=sent["state"], code="c")
    assert answer.headers["location"] == goes_to


async def test_too_many_sign_ins_from_one_network_wait(browser: Browser) -> None:
    answers = [await browser.client.get("/oauth/authorize?provider=gmail") for _ in range(31)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_each_step_is_audited_without_a_token(browser: Browser, api: ApiHost) -> None:
    await browser.connect()
    await browser.comes_back(state="invented", code="c")
    token = (await browser.status())["csrfToken"]
    await browser.client.post("/oauth/logout", headers={"X-CSRF-Token": str(token)})
    rows = await audit_rows(api, 3)
    assert [(row.mechanism, row.outcome) for row in rows] == [
        ("browser:sign-out", "success"),
        ("browser:", "failure"),
        ("browser:gmail", "success"),
    ]
    assert ACCESS_TOKEN not in str(rows)


async def audit_rows(api: ApiHost, count: int) -> list[AuditRecord]:
    for _ in range(100):
        rows = list(await api.store.audit.list(10))
        if len(rows) >= count:
            return rows
        await asyncio.sleep(0.05)
    raise AssertionError("the audit rows did not come")
