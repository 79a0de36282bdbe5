"""Mailkeep, as `mailkeep up` starts it, on SQLite or on a private PostgreSQL that waits for its disk."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Literal

from tests.support.hosts import MailkeepUp, Person
from tests.support.postgres import PostgresCluster, run_apart

from bench.peers import private
from bench.peers.peer import DOMAIN, Account, Peer
from mailkeep.auth import KeyService
from mailkeep.model.address import Address
from mailkeep.settings import AuthSettings
from mailkeep.storage import open_store

_LISTENERS = {"imap": "imap", "imaps": "imaps", "pop3": "pop3", "pop3s": "pop3s", "smtp": "mx"}


class Mailkeep(Peer):
    """Use as a context manager."""

    def __init__(self, database: Literal["SQLite", "PostgreSQL"]) -> None:
        self.name = f"Mailkeep, {database}"
        self._database = database
        self._accounts: dict[str, Person] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Mailkeep:
        with ExitStack() as stack:
            directory = private.directory("mailkeep")
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            url = ""
            if self._database == "PostgreSQL":
                cluster = stack.enter_context(PostgresCluster(durable=True))
                url = cluster.url(cluster.create_database())
            self._up = MailkeepUp(directory, url, ("--insecure-loopback-auth",))
            stack.enter_context(self._up)
            self.ports = {name: self._up.place(listener).port for name, listener in _LISTENERS.items()}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._stack.__exit__(kind, None, None)

    def account(self, name: str) -> Account:
        """A user with a key that opens every protocol."""
        if name not in self._accounts:
            self._accounts[name] = self._up.add_person(name)
        person = self._accounts[name]
        return Account(person.address, person.api_key)

    def pids(self) -> Sequence[int]:
        """The IMAP host's."""
        return self._up.pids("imap")

    def fresh_keys(self, name: str, count: int) -> list[str]:
        """Keys of an account that no process has verified yet."""
        return run_apart(self._fresh_keys(Address.parse(f"{name}@{DOMAIN}"), count))

    async def _fresh_keys(self, address: Address, count: int) -> list[str]:
        store = await open_store(self._up.store_settings)
        try:
            user = await store.directory.user_by_address(address) or await store.directory.add_user(address)
            keys = KeyService(store, AuthSettings())
            return [(await keys.create(user.id, f"fresh {n}", frozenset())).api_key for n in range(count)]
        finally:
            await store.close()
