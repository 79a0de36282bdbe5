"""Refreshing at a token endpoint (RFC 6749 section 6), by a command, and by somebody else's code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import EntryPoint

import pytest
from tests.support.oidc.served import ServedIssuer, served_issuer

from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh import choice, refresh_provider
from mailkeep.upstream.refresh.endpoint import OAuthClient, RefreshTokens, microsoft_token_endpoint

USER = "ann@mail.example"
CLIENT = OAuthClient("us", "hush", "mail")


class Kept:
    """Where the operator's refresh token lies."""

    def __init__(self, token: str = "refresh-1") -> None:
        self.token = token
        self.places = RefreshTokens(lambda: self.token, self._keep)

    def _keep(self, token: str) -> None:
        self.token = token


@pytest.fixture
async def issuer() -> AsyncIterator[ServedIssuer]:
    async with served_issuer() as served:
        yield served


async def refreshed(issuer: ServedIssuer, kept: Kept, answer: dict[str, object] | None = None) -> object:
    if answer is not None:
        issuer.codes[""] = answer  # a refresh grant has no code
    provider = refresh_provider("oidc", {"issuer": issuer.issuer}, CLIENT, kept.places)
    assert provider is not None
    return await provider.refresh_token(MailProtocol.IMAP, USER, "old")


async def test_the_grant_says_who_we_are_and_what_we_want(issuer: ServedIssuer) -> None:
    made = await refreshed(
        issuer, Kept(), {"access_token": "new", "token_type": "Bearer", "expires_in": "3600"}
    )
    assert made.token == "new"  # type: ignore[attr-defined]
    assert 3500 < (made.expires_at - datetime.now(UTC)).total_seconds() <= 3600  # type: ignore[attr-defined]
    assert issuer.forms[-1] == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh-1"],
        "client_id": ["us"],
        "client_secret": ["hush"],
        "scope": ["mail"],
    }


async def test_a_new_refresh_token_takes_the_place_of_the_old(issuer: ServedIssuer) -> None:
    kept = Kept()
    await refreshed(
        issuer, kept, {"access_token": "new", "token_type": "Bearer", "refresh_token": "refresh-2"}
    )
    assert kept.token == "refresh-2"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error":"invalid_grant"}', UpstreamCode.SIGN_IN),
        (400, '{"error":"interaction_required"}', UpstreamCode.SIGN_IN),
        (401, '{"error":"invalid_client"}', UpstreamCode.REFRESH_CLIENT),
        (400, "nonsense", UpstreamCode.REFRESH_NONSENSE),
        (400, '{"error":"refresh-1 <b>"}', UpstreamCode.REFRESH_NONSENSE),
        (429, "{}", UpstreamCode.REFRESH_UNAVAILABLE),
        (503, "{}", UpstreamCode.REFRESH_UNAVAILABLE),
        (200, "[]", UpstreamCode.REFRESH_UNAVAILABLE),
        (200, '{"token_type":"Bearer"}', UpstreamCode.REFRESH_NONSENSE),
        (200, '{"access_token":"a b\\n","token_type":"Bearer"}', UpstreamCode.REFRESH_NONSENSE),
        (200, '{"access_token":"t","token_type":"mac"}', UpstreamCode.REFRESH_NONSENSE),
    ],
)
async def test_each_refusal_has_its_code_and_none_repeats_a_secret(
    issuer: ServedIssuer, status: int, body: str, code: UpstreamCode
) -> None:
    head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    issuer.raw["/token"] = (head + body).encode()
    with pytest.raises(UpstreamError) as caught:
        await refreshed(issuer, Kept())
    assert caught.value.code is code
    assert "refresh-1" not in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_without_a_refresh_token_only_the_person_can_help(issuer: ServedIssuer) -> None:
    with pytest.raises(UpstreamError) as caught:
        await refreshed(issuer, Kept(""))
    assert caught.value.code is UpstreamCode.SIGN_IN
    assert issuer.requests["/token"] == 0


async def test_a_provider_that_is_away_may_be_back_later() -> None:
    provider = refresh_provider("oidc", {"issuer": "http://127.0.0.1:1"}, CLIENT, Kept().places)
    assert provider is not None
    with pytest.raises(UpstreamError) as caught:
        await provider.refresh_token(MailProtocol.IMAP, USER, "")
    assert caught.value.is_temporary


def command(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


async def run(text: str) -> object:
    provider = refresh_provider("command", {"command": text}, CLIENT, Kept().places)
    assert provider is not None
    return await provider.refresh_token(MailProtocol.SMTP, USER, "")


async def test_a_command_prints_the_token_and_its_end() -> None:
    token = "os.environ['MAILKEEP_PROTOCOL'] + '-' + os.environ['MAILKEEP_USER']"
    made = await run(command(f"import os; print({token}); print(1796083200)"))
    assert made.token == f"smtp-{USER}"  # type: ignore[attr-defined]
    assert made.expires_at == datetime(2026, 12, 1, tzinfo=UTC)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (command("pass"), UpstreamCode.REFRESH_NONSENSE),
        (command("print('t' * 100_000)"), UpstreamCode.REFRESH_NONSENSE),
        (command("raise SystemExit(3)"), UpstreamCode.REFRESH_UNAVAILABLE),
        ("/no/such/program", UpstreamCode.REFRESH_CLIENT),
    ],
)
async def test_a_command_that_gives_no_token_says_how(text: str, code: UpstreamCode) -> None:
    with pytest.raises(UpstreamError) as caught:
        await run(text)
    assert caught.value.code is code


@pytest.mark.parametrize("text", ["", "'open quote"])
def test_what_is_no_command_line_is_refused_at_once(text: str) -> None:
    with pytest.raises(UpstreamError, match="no command line"):
        refresh_provider("command", {"command": text}, CLIENT, Kept().places)


def test_microsoft_s_place_depends_on_the_tenant() -> None:
    assert microsoft_token_endpoint("a/b") == "https://login.microsoftonline.com/a%2Fb/oauth2/v2.0/token"


def test_an_unknown_provider_is_told_which_there_are() -> None:
    with pytest.raises(UpstreamError, match="google, microsoft, oidc, command"):
        refresh_provider("yahoo", {}, CLIENT, Kept().places)


def third_party(options: dict[str, str], client: OAuthClient, tokens: RefreshTokens) -> object:
    return (options, client, tokens)


def test_a_third_party_s_provider_comes_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EntryPoint("theirs", f"{__name__}:third_party", choice.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: third_party)
    monkeypatch.setattr(choice, "entry_points", lambda group, name: [found] if name == "theirs" else [])
    kept = Kept()
    made = refresh_provider("theirs", {"tenant": "x"}, CLIENT, kept.places)
    assert made == ({"tenant": "x"}, CLIENT, kept.places)
