"""Tokens of a real OpenID Provider that a real Dovecot checks by introspection: refreshed as they end."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bench.peers.dovecot import Dovecot
from tests.support.dovecot import TokenDovecot
from tests.support.oidc.running import CLIENT_ID, RunningIssuer, Tokens, running_issuer
from tests.support.programs import program

from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import AuthConfig, Server, Transport, TransportConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh import refresh_provider
from mailkeep.upstream.refresh.base import OAuthClient, RefreshTokens

SCOPE = "openid offline_access"
TOKEN_PATH = "/token"


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer"])
def dovecot(request: pytest.FixtureRequest, issuer: RunningIssuer) -> Iterator[Dovecot]:
    program("dovecot")
    with TokenDovecot(issuer, request.param) as running:
        yield running


class Held:
    """A signed-in person's refresh token, as an operator's file would hold it."""

    def __init__(self, issuer: RunningIssuer, tokens: Tokens) -> None:
        self.token = tokens.refresh_token
        places = RefreshTokens(lambda: self.token, lambda new: setattr(self, "token", new))
        self.provider = refresh_provider("oidc", {"issuer": issuer.issuer}, OAuthClient(CLIENT_ID), places)


@asynccontextmanager
async def account(
    dovecot: Dovecot, issuer: RunningIssuer, person: str, tokens: Tokens
) -> AsyncIterator[UpstreamAccount]:
    ends_at = datetime.now(UTC) + timedelta(seconds=tokens.expires_in) if tokens.expires_in else None
    server = Server("127.0.0.1", dovecot.ports["imap"], "none")
    transport = Transport(server, person, AuthConfig(oauth_token=tokens.access_token), ends_at)
    made = UpstreamAccount("theirs", TransportConfig(transport), Held(issuer, tokens).provider)
    yield made
    await made.close()


async def look(one: UpstreamAccount) -> None:
    async with one.imap() as connection:
        await connection.run(lambda client: client.select_folder("INBOX"))


@pytest.fixture
def person() -> str:
    return f"person-{secrets.token_hex(4)}"


async def test_a_good_token_logs_in_and_is_in_no_log(
    dovecot: Dovecot,
    issuer: RunningIssuer,
    person: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not even in what a library would say at its lowest level, nor as the mechanism's base64."""
    tokens = issuer.sign_in(person, scope=SCOPE, resource="")
    before = issuer.count(TOKEN_PATH)
    with caplog.at_level(logging.DEBUG):
        async with account(dovecot, issuer, person, tokens) as one:
            await look(one)
    assert issuer.count(TOKEN_PATH) == before
    said = caplog.text + "".join(capsys.readouterr())
    assert not any(tokens.access_token in words for words in (said, *base64_in(said)))


def base64_in(text: str) -> list[str]:
    words = re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text)
    return [
        base64.b64decode(word + "==").decode("latin-1") for word in words if len(word.rstrip("=")) % 4 != 1
    ]


async def test_a_token_of_seconds_is_refreshed_before_each_use(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    tokens = issuer.sign_in(person, scope=f"{SCOPE} brief", resource="")
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        await look(one)
        await look(one)
    assert issuer.count(TOKEN_PATH) == before + 2


async def test_a_token_that_has_ended_unnoticed_is_refused_and_refreshed(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    """It lives for five seconds, and nobody told us so: Dovecot asks the provider, and refuses it."""
    tokens = replace(issuer.sign_in(person, scope=f"{SCOPE} brief-once", resource=""), expires_in=0)
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        async with asyncio.timeout(60):
            while issuer.is_active(tokens):
                await asyncio.sleep(0.2)
        await look(one)
    assert issuer.count(TOKEN_PATH) == before + 1


async def test_a_hundred_operations_share_one_refresh(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    """The provider takes each refresh token once: a second refresh with the old one would end them all."""
    tokens = replace(issuer.sign_in(person, scope=SCOPE, resource=""), expires_in=1)
    issuer.revoke(tokens)
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        await asyncio.gather(*(look(one) for _ in range(100)))
    assert issuer.count(TOKEN_PATH) == before + 1


async def test_a_token_that_was_revoked_is_refreshed_once_for_all(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    tokens = issuer.sign_in(person, scope=SCOPE, resource="")
    issuer.revoke(tokens)
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        await asyncio.gather(*(look(one) for _ in range(5)))
    assert issuer.count(TOKEN_PATH) == before + 1


async def test_who_has_to_sign_in_again_is_told_so(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    tokens = issuer.sign_in(person, scope=f"{SCOPE} brief", resource="")
    issuer.revoke(tokens)
    dead = Tokens(tokens.access_token, "no-such-refresh-token", 0)
    async with account(dovecot, issuer, person, dead) as one:
        with pytest.raises(UpstreamError) as caught:
            await look(one)
        assert caught.value.code is UpstreamCode.SIGN_IN
        assert one.needs_sign_in
