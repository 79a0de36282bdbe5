"""The operator who fills a store beside a running host: users, keys, mail, for tests without a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import uvloop

from mailkeep.auth import CreatedKey, KeyService
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import Delivery, DeliveryTarget, NewMessage
from mailkeep.model.scope import Scope
from mailkeep.model.uids import UidSet
from mailkeep.settings import AuthSettings, StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store

DOMAIN = "example.test"
CHEAP_BCRYPT = 4  # the lowest that bcrypt has: tests make many keys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Login:
    """A user with one key."""

    address: str
    user_id: UUID
    account_id: int
    key_id: UUID
    key: str = field(repr=False)


class Operator:
    """Another process's worth of access to the store, for tests that are no coroutines. Its loop runs all the
    time, as that of a process does: what a commit leaves to be told in a moment is told."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="operator", daemon=True)
        self._thread.start()
        self.store: Store = self.run(open_store(settings))
        self._numbers = count(1)
        self.run(self._host_domain())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the operator's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Close the store."""
        self.run(self.store.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def user(self, *scopes: Scope) -> Login:
        """A new user with a key; without scopes it is made for POP3."""
        return self.run(self._user(f"user{next(self._numbers)}@{DOMAIN}", frozenset(scopes or {Scope.POP3})))

    def key(self, login: Login, *scopes: Scope) -> CreatedKey:
        """A further key."""
        return self.run(self._keys.create(login.user_id, "test", frozenset(scopes)))

    def revoke(self, key_id: UUID) -> None:
        """Revoke a key."""
        self.run(self._keys.revoke(key_id))

    def deliver(self, address: str, *messages: bytes) -> None:
        """As the SMTP host does it."""
        self.run(self._deliver(address, messages))

    def give(self, login: Login, address: str) -> None:
        """A further address, with the mail that waits for it."""
        self.run(self.store.directory.add_address(login.user_id, Address.parse(address)))

    def append(self, login: Login, *messages: bytes) -> None:
        """As IMAP's APPEND to INBOX does it."""
        self.run(self._append(login, messages))

    def expunge(self, login: Login, *uids: int) -> None:
        """As another client does it over IMAP."""
        self.run(self._expunge(login, UidSet.of(uids)))

    def uids(self, login: Login) -> list[int]:
        """What INBOX holds."""
        return self.run(self._uids(login))

    @property
    def _keys(self) -> KeyService:
        return KeyService(self.store, AuthSettings(bcrypt_cost=CHEAP_BCRYPT))

    async def _host_domain(self) -> None:
        if await self.store.directory.domain(DOMAIN) is None:
            await self.store.directory.add_domain(DOMAIN)

    async def _user(self, address: str, scopes: frozenset[Scope]) -> Login:
        user = await self.store.directory.add_user(Address.parse(address))
        made = await self._keys.create(user.id, "test", scopes)
        return Login(address, user.id, user.account_id, made.id, made.api_key)

    async def _deliver(self, address: str, messages: tuple[bytes, ...]) -> None:
        targets = (DeliveryTarget(Address.parse(address)),)
        for octets in messages:
            delivery = Delivery(prepare(octets), targets, datetime.now(UTC))
            await self.store.committer.deliver(delivery)

    async def _append(self, login: Login, messages: tuple[bytes, ...]) -> None:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        now = datetime.now(UTC)
        await self.store.committer.append(inbox.id, [NewMessage(prepare(octets), now) for octets in messages])

    async def _expunge(self, login: Login, uids: UidSet) -> None:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        await self.store.committer.expunge(inbox.id, uids, only_deleted=False)

    async def _uids(self, login: Login) -> list[int]:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        snapshot = await self.store.messages.snapshot(inbox.id)
        await self.store.messages.refresh(snapshot)
        return list(snapshot.uids)
