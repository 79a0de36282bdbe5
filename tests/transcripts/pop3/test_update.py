"""The UPDATE state, the lock, and what a session sees of others: RFC 1939 sections 3, 4 and 6."""

from __future__ import annotations

import signal
import time

import asyncpg
import pytest
from tests.support.pop3_host import GREETING, IN_THE_CLEAR, SECONDS, Client, Login, Operator, Pop3Host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings

ONE, TWO, THREE = (b"Subject: %d\r\n\r\nbody\r\n" % number for number in (1, 2, 3))
IN_USE = "-ERR [IN-USE] Another session has the maildrop open."


@pytest.fixture
def filled(operator: Operator, login: Login) -> Login:
    """A maildrop of three messages."""
    operator.append(login, ONE, TWO, THREE)
    return login


def attempt(host: Pop3Host, login: Login) -> tuple[Client, str]:
    """A connection and what it heard to its PASS."""
    client = host.connect()
    assert client.line() == GREETING
    assert client.command(f"USER {login.address}") == "+OK Send PASS."
    return client, client.command(f"PASS {login.key}")


def log_in_once_free(host: Pop3Host, login: Login) -> Client:
    """The server hears of a lost connection a moment after the client has made it so."""
    deadline = time.monotonic() + SECONDS
    while True:
        client, status = attempt(host, login)
        if status.startswith("+OK"):
            return client
        assert status == IN_USE
        client.close()
        assert time.monotonic() < deadline, "the lock is still held"
        time.sleep(0.02)


# --- deletions ------------------------------------------------------------------------------------


def test_quit_deletes_what_was_marked(host: Pop3Host, operator: Operator, filled: Login) -> None:
    before = operator.uids(filled)
    with host.log_in(filled) as client:
        client.play(
            """
            C: DELE 1
            S: +OK Message 1 is deleted.
            C: DELE 3
            S: +OK Message 3 is deleted.
            """
        )
        assert operator.uids(filled) == before, "nothing is deleted before QUIT"
        assert client.command("QUIT") == "+OK Bye."
        assert operator.uids(filled) == [before[1]], "it is deleted when +OK is said"
        assert client.ended()
    with host.log_in(filled) as client:
        assert client.retrieve(1) == TWO


def test_a_connection_that_is_lost_deletes_nothing(host: Pop3Host, operator: Operator, filled: Login) -> None:
    before = operator.uids(filled)
    with host.log_in(filled) as client:
        assert client.command("DELE 1").startswith("+OK")
    with log_in_once_free(host, filled) as client:
        assert client.command("STAT").startswith("+OK 3 ")
    assert operator.uids(filled) == before


def test_rset_before_quit_deletes_nothing(host: Pop3Host, operator: Operator, filled: Login) -> None:
    with host.log_in(filled) as client:
        for line in ("DELE 1", "DELE 2", "RSET", "QUIT"):
            assert client.command(line).startswith("+OK")
    assert len(operator.uids(filled)) == 3


def test_quit_without_authentication_updates_nothing(host: Pop3Host) -> None:
    with host.connect() as client:
        client.play(
            f"""
            S: {GREETING}
            C: QUIT
            S: +OK Bye.
            """
        )
        assert client.ended()


def test_deleting_what_another_client_has_expunged_is_no_error(
    host: Pop3Host, operator: Operator, filled: Login
) -> None:
    first, *rest = operator.uids(filled)
    with host.log_in(filled) as client:
        operator.expunge(filled, first)
        assert client.command("STAT").startswith("+OK 3 "), "message-numbers do not move"
        assert client.command("DELE 1").startswith("+OK")
        assert client.command("DELE 2").startswith("+OK")
        assert client.command("QUIT") == "+OK Bye."
    assert operator.uids(filled) == rest[1:]


def test_retrieving_what_is_expunged_elsewhere(host: Pop3Host, operator: Operator, filled: Login) -> None:
    with host.log_in(filled) as client:
        operator.expunge(filled, *operator.uids(filled))
        status = client.command("RETR 1")  # the octets may be gone with the entry, or later
        assert status == "-ERR No such message." or client.multi_line() == ONE
        assert client.command("NOOP") == "+OK"


# --- the lock -------------------------------------------------------------------------------------


def test_a_second_session_is_refused_with_in_use(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as first:
        second, status = attempt(host, filled)
        assert status == IN_USE
        assert first.command("QUIT") == "+OK Bye."
        # The first reply to QUIT comes after the lock is free, and the refused one may try again.
        second.play(
            f"""
            C: USER {filled.address}
            S: +OK Send PASS.
            C: PASS {filled.key}
            S: +OK 3 messages (<octets> octets).
            """
        )
        second.close()


def test_another_process_is_refused_too(
    host: Pop3Host, backend: StoreSettings, ca: DevelopmentCa, filled: Login
) -> None:
    with Pop3Host(backend, ca, IN_THE_CLEAR) as other:
        with host.log_in(filled):
            client, status = attempt(other, filled)
            assert status == IN_USE
            client.close()
        log_in_once_free(other, filled).close()


def test_the_lock_dies_with_the_connection(host: Pop3Host, filled: Login) -> None:
    for _ in range(5):
        log_in_once_free(host, filled).close()
    log_in_once_free(host, filled).close()


def test_the_lock_dies_with_the_process(
    host: Pop3Host, backend: StoreSettings, ca: DevelopmentCa, operator: Operator, filled: Login
) -> None:
    with Pop3Host(backend, ca, IN_THE_CLEAR) as doomed:
        client = doomed.log_in(filled)
        assert client.command("DELE 1").startswith("+OK")
        doomed.stop(signal.SIGKILL)
        assert client.ended()
        log_in_once_free(host, filled).close()
    assert len(operator.uids(filled)) == 3


def test_a_session_whose_lock_is_lost_ends(
    host: Pop3Host, backend: StoreSettings, operator: Operator, filled: Login
) -> None:
    """PostgreSQL's locks live as long as their connection: here an administrator ends it."""
    if not backend.database:
        pytest.skip("SQLite's locks are files that nobody can take away")
    with host.log_in(filled) as client:
        assert client.command("DELE 1").startswith("+OK")
        operator.run(end_connections_with_locks(backend.database))
        time.sleep(0.5)  # until the host has heard of it
        assert client.command("STAT").startswith("-ERR [SYS/TEMP]")
        assert client.ended()
    log_in_once_free(host, filled).close()
    assert len(operator.uids(filled)) == 3


async def end_connections_with_locks(database: str) -> None:
    connection = await asyncpg.connect(database.replace("+asyncpg", ""))
    ended = await connection.fetch(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
    )
    await connection.close()
    assert ended


def test_users_do_not_wait_for_each_other(host: Pop3Host, operator: Operator, filled: Login) -> None:
    with host.log_in(filled), host.log_in(operator.user()) as other:
        assert other.command("STAT") == "+OK 0 0"


# --- what arrives meanwhile -----------------------------------------------------------------------


def test_mail_that_arrives_later_does_not_appear(host: Pop3Host, operator: Operator, filled: Login) -> None:
    with host.log_in(filled) as client:
        operator.deliver(filled.address, b"Subject: late\r\n\r\n")
        assert client.command("STAT").startswith("+OK 3 ")
        assert client.command("RETR 4") == "-ERR No such message."
        assert client.command("DELE 3").startswith("+OK")
        assert client.command("QUIT") == "+OK Bye."
    with host.log_in(filled) as client:
        assert client.command("STAT").startswith("+OK 3 ")
        assert client.retrieve(3).endswith(b"Subject: late\r\n\r\n")


def test_unique_ids_are_the_same_in_every_session(host: Pop3Host, operator: Operator, filled: Login) -> None:
    with host.log_in(filled) as client:
        first = [line.split()[1] for line in client.listing("UIDL")]
        assert client.command("DELE 1").startswith("+OK")
        assert client.command("QUIT") == "+OK Bye."
    operator.deliver(filled.address, b"Subject: late\r\n\r\n")
    with host.log_in(filled) as client:
        second = [line.split()[1] for line in client.listing("UIDL")]
    assert second[:2] == first[1:]
    assert second[2] not in first


# --- an orderly end -------------------------------------------------------------------------------


def test_a_server_that_stops_deletes_nothing(
    backend: StoreSettings, ca: DevelopmentCa, operator: Operator, filled: Login
) -> None:
    with Pop3Host(backend, ca, IN_THE_CLEAR) as stopping:
        client = stopping.log_in(filled)
        assert client.command("DELE 1").startswith("+OK")
        assert stopping.stop() == 0
        assert client.ended()
    assert len(operator.uids(filled)) == 3
