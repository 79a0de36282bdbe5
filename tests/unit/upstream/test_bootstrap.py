"""The first sign-in from a terminal: PKCE, state, the redirect's listener, another device."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from tests.support.oidc.served import ServedIssuer, served_issuer
from tests.support.ports import free_port

from mailkeep.upstream.bootstrap.flow import Bootstrap
from mailkeep.upstream.bootstrap.listener import redirect_listener
from mailkeep.upstream.bootstrap.plan import plan_from
from mailkeep.upstream.errors import UpstreamCode, UpstreamError

TOKEN = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 600, "refresh_token": "refresh-1"}


@pytest.fixture
async def issuer() -> AsyncIterator[ServedIssuer]:
    async with served_issuer() as served:
        served.metadata["device_authorization_endpoint"] = f"{served.issuer}/device"
        yield served


@pytest.fixture
async def flow(issuer: ServedIssuer) -> AsyncIterator[Bootstrap]:
    begun = Bootstrap(plan_from("oidc", {"CLIENT_ID": "us", "ISSUER": issuer.issuer}))
    await begun.prepare()
    yield begun
    await begun.close()


def asked(flow: Bootstrap) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(flow.url).query))


def test_outlook_is_asked_for_what_mail_needs() -> None:
    query = asked(Bootstrap(plan_from("outlook", {"CLIENT_ID": "us", "TENANT": "my tenant"})))
    assert query["scope"].split() == [
        "offline_access",
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
    ]
    assert query["code_challenge_method"] == "S256"
    assert (
        "/my%20tenant/oauth2/"
        in Bootstrap(plan_from("outlook", {"CLIENT_ID": "u", "TENANT": "my tenant"})).url
    )
    assert "/common/oauth2/" in Bootstrap(plan_from("outlook", {"CLIENT_ID": "u"})).url


def test_google_is_asked_for_a_refresh_token() -> None:
    assert asked(Bootstrap(plan_from("gmail", {"CLIENT_ID": "us"})))["access_type"] == "offline"


@pytest.mark.parametrize(
    ("kind", "variables", "names"),
    [
        ("outlook", {}, "CLIENT_ID"),
        ("oidc", {"CLIENT_ID": "us"}, "ISSUER"),
        ("gmail", {"CLIENT_ID": "us", "REDIRECT_URI": "nonsense"}, "REDIRECT_URI"),
    ],
)
def test_what_is_missing_is_named(kind: str, variables: dict[str, str], names: str) -> None:
    with pytest.raises(UpstreamError, match=names):
        plan_from(kind, variables)


async def test_an_address_a_query_and_a_bare_code_are_all_taken(flow: Bootstrap) -> None:
    query = urlencode({"code": "c-1", "state": asked(flow)["state"]})
    assert flow.code_of(f"http://127.0.0.1:8765/callback?{query}\n") == "c-1"
    assert flow.code_of(query) == "c-1"
    assert flow.code_of(" c-1 ") == "c-1"


@pytest.mark.parametrize(
    "returned", ["", "code=c&state=other", "code=c", "state={state}", "error=access_denied&state={state}"]
)
async def test_another_sign_in_s_address_is_refused(flow: Bootstrap, returned: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        flow.code_of(returned.format(state=asked(flow)["state"]))
    assert caught.value.code is UpstreamCode.REFUSED


async def test_the_code_becomes_tokens(issuer: ServedIssuer, flow: Bootstrap) -> None:
    issuer.codes["c-1"] = TOKEN
    tokens = await flow.finish("c-1")
    assert (tokens.access.token, tokens.refresh_token) == ("access-1", "refresh-1")
    assert "access-1" not in repr(tokens)
    assert "refresh-1" not in repr(tokens)
    with pytest.raises(UpstreamError, match="invalid_grant"):
        await flow.finish("c-1")


async def test_a_person_on_another_device_is_waited_for(
    issuer: ServedIssuer, flow: Bootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        body = ["authorization_pending", "slow_down", "authorization_pending"][len(slept) - 1 : len(slept)]
        answer = f'{{"error":"{body[0]}"}}' if body else '{"access_token":"access-1","token_type":"Bearer"}'
        head = f"HTTP/1.1 {400 if body else 200} x\r\nContent-Length: {len(answer)}\r\n\r\n"
        issuer.raw["/token"] = (head + answer).encode()

    monkeypatch.setattr("mailkeep.upstream.bootstrap.flow.pause", sleep)
    answer = '{"verification_uri":"https://x/d","user_code":"ABCD","device_code":"d-1","interval":2}'
    issuer.raw["/device"] = f"HTTP/1.1 200 x\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()
    device = await flow.device()
    assert (device.verification_uri, device.user_code) == ("https://x/d", "ABCD")
    tokens = await flow.wait_for_device(device)
    assert tokens.access.token == "access-1"
    assert slept == [2, 2, 7, 7]  # RFC 8628 section 3.5: slow_down adds five seconds for good


async def test_the_listener_takes_the_redirect_and_nothing_else() -> None:
    port = free_port()
    async with (
        redirect_listener("127.0.0.1", port, "/callback") as returned,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as browser,
    ):
        for path in ("/favicon.ico?x=y", "/callback", "/other?code=c"):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.post("/callback?code=c")).status_code == 404
        assert not returned.done()
        answer = await browser.get("/callback?code=c-1&state=s-1")
        assert answer.status_code == 200
        assert "c-1" not in answer.text
        assert await asyncio.wait_for(returned, 5) == "code=c-1&state=s-1"


async def test_a_port_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = redirect_listener("127.0.0.1", taken.getsockname()[1], "/")
        with pytest.raises(UpstreamError, match="REDIRECT_URI"):
            await listener.__aenter__()
