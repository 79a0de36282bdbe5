"""Stopping, and a store that is away: nothing acknowledged is lost, nothing else leaves a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.support.postgres import PostgresCluster
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.errors import StoreUnavailable
from mailkeep.model.message import Delivered, Delivery
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Committer


async def greeted(host: SmtpHost) -> Wire:
    wire = await host.connect()
    await wire.expect("220 ")
    await wire.ehlo()
    return wire


async def test_shutdown_tells_the_idle_and_lets_data_finish(host: SmtpHost) -> None:
    idle, busy = await greeted(host), await greeted(host)
    await busy.transaction("", "a@example.test")
    await busy.send(b"A: b\r\n\r\nhalf")
    closing = asyncio.ensure_future(host.server.close())
    await idle.expect("421 4.3.2 mx.example.test Service shutting down")
    await idle.closed()
    with pytest.raises(ConnectionRefusedError):
        await host.connect()
    await busy.send(b" and half\r\n.\r\nNOOP\r\n")
    await busy.expect("250 2.0.0 ", "421 4.3.2 ")
    await busy.closed()
    await closing
    assert (await host.inbox("a@example.test"))[0].endswith(b"half and half\r\n")


class Interrupted:
    """The store's committer with a fault in front: what a database that is away looks like from here."""

    def __init__(self, committer: Committer) -> None:
        self.committer = committer
        self.away = True
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def deliver(self, delivery: Delivery) -> Sequence[Delivered]:
        self.entered.set()
        await self.go_on.wait()
        if self.away:
            raise StoreUnavailable("The database does not answer.")
        return await self.committer.deliver(delivery)


async def test_a_store_that_is_away(host: SmtpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = Interrupted(host.store.committer)
    monkeypatch.setattr(host.store, "committer", interrupted)
    wire = await greeted(host)
    await wire.transaction("", "a@example.test")
    await wire.ask("A: b\r\n\r\nhi\r\n.", "451 4.3.0 A local error; try again later (reference ")
    assert await host.account_of("a@example.test") is None
    interrupted.away = False
    await wire.transaction("", "a@example.test")
    await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    await wire.close()


async def test_a_client_that_goes_during_the_commit(host: SmtpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is committed or not; nobody hears, and the session ends."""
    interrupted = Interrupted(host.store.committer)
    interrupted.away = False
    interrupted.go_on.clear()
    monkeypatch.setattr(host.store, "committer", interrupted)
    wire = await greeted(host)
    await wire.transaction("", "a@example.test")
    await wire.send(b"A: b\r\n\r\nhi\r\n.\r\n")
    await interrupted.entered.wait()
    wire.writer.transport.abort()
    await asyncio.sleep(0.05)
    interrupted.go_on.set()
    async with asyncio.timeout(20):
        while host.server.services.open_sessions:
            await asyncio.sleep(0.01)
    assert len(await host.inbox("a@example.test")) == 1


async def test_a_directory_that_is_away(host: SmtpHost, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_address: object) -> None:
        raise StoreUnavailable("The database does not answer.")

    wire = await greeted(host)
    await wire.ask("MAIL FROM:<>", "250 ")
    with monkeypatch.context() as patched:
        patched.setattr(host.store.directory, "recipient", away)
        await wire.ask("RCPT TO:<a@example.test>", "451 4.3.0 ")
    await wire.ask("RCPT TO:<a@example.test>", "250 ")
    await wire.close()


async def test_a_fault_of_ours_is_answered_and_the_session_lives(
    host: SmtpHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_address: object) -> None:
        raise ZeroDivisionError("a secret that stays here")

    wire = await greeted(host)
    await wire.ask("MAIL FROM:<>", "250 ")
    with monkeypatch.context() as patched:
        patched.setattr(host.store.directory, "recipient", broken)
        [line] = await wire.ask("RCPT TO:<a@example.test>", "451 4.3.0 A local error; ")
    assert "secret" not in line
    await wire.ask("NOOP", "250 2.0.0 Ok")
    await wire.close()


async def test_a_spool_that_cannot_be_written(host: SmtpHost) -> None:
    """Read to its end, answered as temporary; small messages need no spool."""
    host.server.services.spool_directory.parent.mkdir(parents=True, exist_ok=True)
    host.server.services.spool_directory.write_bytes(b"a file where the directory should be")
    wire = await greeted(host)
    await wire.transaction("", "a@example.test")
    await wire.send(b"A: b\r\n\r\n" + (b"x" * 998 + b"\r\n") * 3000 + b".\r\n")
    await wire.expect("452 4.3.1 ")
    await wire.transaction("", "a@example.test")
    await wire.ask("A: b\r\n\r\nhi\r\n.", "250 2.0.0 ")
    await wire.close()


async def test_a_database_that_really_goes_away(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster, tmp_path: Path, ca: DevelopmentCa
) -> None:
    """Within one connection: 451 while it is away, mail again when it is back, nothing in between kept."""
    async with (
        open_test_store(postgres_settings) as store,
        smtp_host(store, tmp_path / "data", ca) as host,
    ):
        demo = await host.add_user("demo@example.test")
        wire, submitting = await greeted(host), await host.connect("submissions")
        await submitting.expect("220 ")
        await submitting.ehlo()
        await wire.transaction("", "a@example.test")
        await asyncio.to_thread(postgres_cluster.stop, immediate=True)
        try:
            await wire.ask("A: b\r\n\r\nlost\r\n.", "451 4.3.0 A local error; ")
            await wire.ask("MAIL FROM:<>", "250 ")
            await wire.ask("RCPT TO:<new@example.test>", "451 4.3.0 A local error; ")
            await submitting.ask(f"AUTH PLAIN {demo.plain}", "454 4.7.0 A local error; ")
        finally:
            await asyncio.to_thread(postgres_cluster.start)
        async with asyncio.timeout(30):
            while not (await answer_to(wire, "RCPT TO:<a@example.test>")).startswith("250 "):
                await asyncio.sleep(0.02)
        await wire.ask("DATA", "354 ")
        await wire.ask("A: b\r\n\r\nkept\r\n.", "250 2.0.0 ")
        await submitting.ask(f"AUTH PLAIN {demo.plain}", "235 2.7.0 ")
        [stored] = await host.inbox("a@example.test")
        assert stored.endswith(b"kept\r\n")
        await wire.close()
        await submitting.close()


async def answer_to(wire: Wire, command: str) -> str:
    await wire.send(command.encode() + b"\r\n")
    return (await wire.reply())[-1]
