"""Mail from the queue by a provider's submission: Debian's Postfix, which has Dovecot check the tokens, which
asks the OpenID Provider."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.peers.peer import LOOPBACK
from tests.support.dovecot import TokenDovecot
from tests.support.hosts import Place
from tests.support.mail_server import Names
from tests.support.oidc.running import CLIENT_ID, RunningIssuer, running_issuer
from tests.support.postfix import Postfix
from tests.support.programs import private_file, program

from mailkeep.delivery.dispatch import Dispatch
from mailkeep.delivery.remote.runner import QueueRunner
from mailkeep.delivery.reporting import Reporter
from mailkeep.mime.compose import Named
from mailkeep.model.address import Address
from mailkeep.net.development import ensure_ca
from mailkeep.settings import Settings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import AccountConfig, open_account
from mailkeep.upstream.sending import AccountsElsewhere
from mailkeep.upstream.writing import Letter, send

HERE = "mx.example.test"
SETTINGS = RelaySettings(retry_seconds=(0.2,), loopback=True)
SECONDS = 60.0


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer"])
def postfix(
    request: pytest.FixtureRequest, issuer: RunningIssuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postfix]:
    """It keeps what it takes: there is nobody to whom it could hand it on."""
    program("dovecot")
    ca_file = str(ensure_ca(tmp_path_factory.mktemp("ca"), (LOOPBACK,)).certificate)
    nobody = Place(LOOPBACK, 1)
    with (
        TokenDovecot(issuer, request.param) as dovecot,
        Postfix(nobody, ca_file, logins_at=dovecot.logins) as running,
    ):
        yield running


def account_at(postfix: Postfix, issuer: RunningIssuer, directory: Path) -> AccountConfig:
    """Its access token was revoked, and nobody told us."""
    person = f"person-{secrets.token_hex(4)}"
    tokens = issuer.sign_in(person, scope="openid offline_access", resource="")
    issuer.revoke(tokens)
    text = f"T_SMTP_OAUTH_TOKEN={tokens.access_token}\nT_OAUTH_REFRESH_TOKEN={tokens.refresh_token}\n"
    return AccountConfig(
        person,
        smtp=f"none://{postfix.place.host}:{postfix.place.port}",
        provider="oidc",
        client_id=CLIENT_ID,
        options={"issuer": issuer.issuer},
        prefix="T",
        env_file=str(private_file(directory / "their.env", text)),
        sender=f"{person}@there.test",
    )


async def test_the_queue_logs_in_with_a_token_refreshed_once(
    store: Store, postfix: Postfix, issuer: RunningIssuer, tmp_path: Path
) -> None:
    config = account_at(postfix, issuer, tmp_path)
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("alice@example.test"))
    record = await store.upstreams.add(user.id, "theirs", config.to_json())
    before = issuer.count("/token")
    reporter = Reporter(store, Dispatch(store, SETTINGS), tmp_path / "spool", HERE, relays=True)
    accounts = AccountsElsewhere(store)
    runner = QueueRunner(store, SETTINGS, Names(), reporter, HERE, accounts=accounts)
    running = asyncio.create_task(runner.run())
    letter = Letter(to=(Named(Address.parse("bob@far.test")),), subject="hi", text="hello")
    try:
        await send(store, Settings(relay=SETTINGS), user, (record, config), letter)
        async with asyncio.timeout(SECONDS):
            while await store.queue.entries():
                await asyncio.sleep(0.05)
    finally:
        await runner.close(5)
        await asyncio.gather(running)
        await accounts.close()
    assert f"sasl_username={config.address}" in postfix.log
    assert config.sends_from in postfix.queue()
    assert issuer.count("/token") == before + 1


async def test_a_single_submission_does_so_too(
    postfix: Postfix, issuer: RunningIssuer, tmp_path: Path
) -> None:
    config = account_at(postfix, issuer, tmp_path)
    account: UpstreamAccount = open_account("theirs", config)
    before = issuer.count("/token")
    sent = await account.send(config.sends_from, ["bob@far.test"], b"Subject: hi\r\n\r\nhello\r\n")
    await account.close()
    assert sent.refused == {}
    assert f"sasl_username={config.address}" in postfix.log
    assert issuer.count("/token") == before + 1
