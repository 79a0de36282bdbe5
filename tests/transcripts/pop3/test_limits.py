"""Connections, idleness, and a store that does not answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.support.pop3_host import GREETING, IN_THE_CLEAR, Login, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

UNAVAILABLE = "-ERR [SYS/TEMP] The mail store does not answer; try again later."


def test_connections_from_one_network_are_limited(backend: StoreSettings, ca: DevelopmentCa) -> None:
    options = IN_THE_CLEAR | {"POP3_MAX_CONNECTIONS_PER_NETWORK": "2"}
    with Pop3Host(backend, ca, options) as host, host.connect() as first, host.connect() as second:
        assert first.line() == second.line() == GREETING
        with host.connect() as third:
            assert third.line() == "-ERR [SYS/TEMP] Too many connections; try again later."
            assert third.ended()
        assert first.command("QUIT") == "+OK Bye."
        assert first.ended()
        with host.connect() as fourth:
            assert fourth.line() == GREETING


def test_an_idle_session_is_dropped_without_a_word(
    backend: StoreSettings, ca: DevelopmentCa, operator: Operator, login: Login
) -> None:
    """RFC 1939 section 3; ten minutes as delivered."""
    operator.append(login, b"Subject: kept\r\n\r\n")
    with Pop3Host(backend, ca, IN_THE_CLEAR | {"POP3_IDLE_TIMEOUT_SECONDS": "0.5"}) as host:
        with host.log_in(login) as client:
            assert client.command("DELE 1").startswith("+OK")
            client.send(b"NOO")  # half a command is no activity
            assert client.ended()
        with host.connect_tls() as client:
            assert client.line() == GREETING
            assert client.ended()
    assert len(operator.uids(login)) == 1


@contextmanager
def nobody_else_writes(settings: StoreSettings) -> Iterator[None]:
    """Hold what every write needs, and on PostgreSQL what every read needs too."""
    if not settings.database:
        path = Path(settings.database_url.partition("///")[2])
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()
        return
    with asyncio.Runner() as runner:
        held = runner.run(_lock_all(settings.database.replace("+asyncpg", "")))
        try:
            yield
        finally:
            runner.run(held.close())


async def _lock_all(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    await connection.execute("BEGIN; LOCK TABLE " + ", ".join(row[0] for row in rows))
    return connection


@pytest.fixture
def impatient_host(backend: StoreSettings, ca: DevelopmentCa) -> Iterator[Pop3Host]:
    """Waits a second for its store."""
    with Pop3Host(backend, ca, IN_THE_CLEAR | {"STORE_TIMEOUT_SECONDS": "1"}) as started:
        yield started


def test_quit_says_err_if_the_deletions_cannot_be_made(
    impatient_host: Pop3Host, backend: StoreSettings, operator: Operator, login: Login
) -> None:
    operator.append(login, b"Subject: kept\r\n\r\n", b"Subject: kept too\r\n\r\n")
    with impatient_host.log_in(login) as client:
        assert client.command("DELE 1").startswith("+OK")
        with nobody_else_writes(backend):
            assert client.command("QUIT") == UNAVAILABLE
            assert client.ended()
    with impatient_host.log_in(login) as client:
        assert client.command("STAT").startswith("+OK 2 ")
    assert len(operator.uids(login)) == 2


def test_a_store_that_does_not_answer_costs_the_command_and_not_the_session(
    impatient_host: Pop3Host, backend: StoreSettings, operator: Operator, login: Login
) -> None:
    if not backend.database:
        pytest.skip("SQLite readers wait for no writer")
    message = b"Subject: kept\r\n\r\n"
    operator.append(login, message)
    with impatient_host.log_in(login) as client:
        with nobody_else_writes(backend):
            assert client.command("RETR 1") == UNAVAILABLE
            assert client.command("TOP 1 0") == UNAVAILABLE
            assert client.command("NOOP") == "+OK"
        assert client.retrieve(1) == message
