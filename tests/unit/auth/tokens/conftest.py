"""An issuer of the test's own, and an Authenticator that trusts it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from tests.support.oidc.served import AUDIENCE, ServedIssuer, served_issuer

from mailkeep.auth import Authenticator, audit
from mailkeep.auth import authenticator as authenticator_module
from mailkeep.settings import AuthSettings
from mailkeep.settings_identity import IssuerSettings
from mailkeep.storage.interface import Store

SECRET = "client-secret: with/odd=characters"


@pytest.fixture
async def issuer() -> AsyncIterator[ServedIssuer]:
    async with served_issuer() as served:
        yield served


@pytest.fixture
def issuer_settings(issuer: ServedIssuer) -> Callable[..., IssuerSettings]:
    """Settings for it, with what is given changed."""

    def make(**given: object) -> IssuerSettings:
        usual = {
            "issuer": issuer.issuer,
            "audiences": (AUDIENCE,),
            "client_id": "mail:keep",
            "client_secret": SECRET,
            "timeout_seconds": 2.0,
        }
        return IssuerSettings(**{**usual, **given})  # type: ignore[arg-type]

    return make


@pytest.fixture
async def started(store: Store) -> AsyncIterator[Callable[..., object]]:
    """Start Authenticators on a store that hosts example.test."""
    made: list[Authenticator] = []
    await store.directory.add_domain("example.test")

    async def start(*issuers: IssuerSettings, host: str = "imap", **settings: object) -> Authenticator:
        chosen = AuthSettings(bcrypt_cost=4, last_used_flush_seconds=0.05, issuers=issuers, **settings)  # type: ignore[arg-type]
        authenticator = Authenticator(store, chosen, host)  # type: ignore[arg-type]
        made.append(authenticator)
        await authenticator.start()
        return authenticator

    yield start
    for authenticator in made:
        await authenticator.close()


@pytest.fixture
async def door(started, issuer_settings) -> Authenticator:
    """The IMAP host's, with one issuer."""
    return await started(issuer_settings())


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals and audit rows come at once."""

    async def sleep(seconds: float) -> None:
        return

    monkeypatch.setattr(authenticator_module, "hold_back", sleep)
    monkeypatch.setattr(audit, "FLUSH_SECONDS", 0.01)
