"""A hosted domain, a user with two addresses, keys, and an Authenticator of each kind of host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from mailkeep.auth import Authenticator, KeyService
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store

OWNER = "Owner@example.test"
SECOND = "second@example.test"

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def auth_settings() -> AuthSettings:
    """The lowest cost: the tests are about what happens, not about how slow it is."""
    return AuthSettings(bcrypt_cost=4, last_used_flush_seconds=0.05)


@pytest.fixture
async def user(store: Store) -> User:
    """The owner of OWNER and SECOND."""
    await store.directory.add_domain("example.test")
    made = await store.directory.add_user(Address.parse(OWNER), "Owner")
    await store.directory.add_address(made.id, Address.parse(SECOND))
    return made


@pytest.fixture
def service(store: Store, auth_settings: AuthSettings) -> KeyService:
    """Makes and revokes keys."""
    return KeyService(store, auth_settings)


@pytest.fixture
async def authenticator(store: Store, auth_settings: AuthSettings) -> AsyncIterator[Authenticator]:
    """The IMAP host's, started."""
    made = Authenticator(store, auth_settings, "imap")
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def eventually() -> Eventually:
    """Wait for something that comes by itself; fails, and does not hang, if it never does."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.005)

    return wait
