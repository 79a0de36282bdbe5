"""Tokens of a real OpenID Provider that a real Dovecot checks by introspection: refreshed as they end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from bench.peers.dovecot import Dovecot
from tests.support.oidc.running import CLIENT_ID, RunningIssuer, Tokens, running_issuer
from tests.support.programs import program

from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import AuthConfig, Server, Transport, TransportConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh import refresh_provider
from mailkeep.upstream.refresh.endpoint import OAuthClient, RefreshTokens

SCOPE = "openid offline_access"
TOKEN_PATH = "/token"

_OAUTH = """
auth_mechanisms = plain login {mechanism}
passdb {{
  driver = oauth2
  mechanisms = {mechanism}
  args = {root}/oauth2.conf
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {url}
username_attribute = sub
active_attribute = active
active_value = true
tokeninfo_url =
"""


class TokenDovecot(Dovecot):
    """Takes tokens that the issuer calls active, by one mechanism alone."""

    def __init__(self, issuer: RunningIssuer, mechanism: str) -> None:
        super().__init__("sdbox")
        self._issuer = issuer
        self._mechanism = mechanism

    def _configuration(self) -> str:
        scheme, _, rest = self._issuer.issuer.partition("://")
        url = f"{scheme}://mailkeep:{self._issuer.client_secret}@{rest}/token/introspection"
        path = self._root / "oauth2.conf"
        path.touch(mode=0o600)
        path.write_text(_INTROSPECTION.format(url=url))
        text = super()._configuration().replace("driver = static\n  args = password", STATIC)
        return text + _OAUTH.format(mechanism=self._mechanism, root=self._root)


STATIC = "driver = static\n  mechanisms = plain login\n  args = password"


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
    ends_at = datetime.now(UTC) + timedelta(seconds=tokens.expires_in)
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


async def test_a_good_token_logs_in(dovecot: Dovecot, issuer: RunningIssuer, person: str) -> None:
    tokens = issuer.sign_in(person, scope=SCOPE, resource="")
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        await look(one)
    assert issuer.count(TOKEN_PATH) == before


async def test_a_token_of_seconds_is_refreshed_before_each_use(
    dovecot: Dovecot, issuer: RunningIssuer, person: str
) -> None:
    tokens = issuer.sign_in(person, scope=f"{SCOPE} brief", resource="")
    before = issuer.count(TOKEN_PATH)
    async with account(dovecot, issuer, person, tokens) as one:
        await look(one)
        await asyncio.sleep(2.5)  # it is over by now, and so is the one that took its place
        await look(one)
    assert issuer.count(TOKEN_PATH) == before + 2


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
    dead = Tokens(tokens.access_token, "no-such-refresh-token", 0)
    async with account(dovecot, issuer, person, dead) as one:
        await asyncio.sleep(2.5)
        with pytest.raises(UpstreamError) as caught:
            await look(one)
        assert caught.value.code is UpstreamCode.SIGN_IN
        assert one.needs_sign_in
