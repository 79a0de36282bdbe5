"""The reply that is made ready before its command comes: it is given to that command alone, and forgotten as
soon as anything else happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import NewMessage
from mailkeep.model.principal import Peer
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.timed import TIMINGS
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep_pop3.maildrop import Maildrop, RecentSnapshots
from mailkeep_pop3.session import Session

MESSAGES = [b"Subject: %d\r\n\r\n.%d\r\n" % (number, number) for number in range(1, 10)]
NOT_FOUND = b"-ERR No such message.\r\n"
LOCK_LOST = b"-ERR [SYS/TEMP] "


def reply(number: int) -> bytes:
    message = MESSAGES[number - 1]
    return b"+OK %d octets\r\n%s.\r\n" % (len(message), message.replace(b"\r\n.", b"\r\n.."))


class Client:
    """The session's wire and the client behind it."""

    peer = Peer("127.0.0.1")
    offers_tls = False

    def __init__(self) -> None:
        self.has_room = True
        self.session: Any = None
        self.closed = False
        self._written = b""

    def write(self, octets: bytes) -> None:
        self._written += octets

    async def room(self) -> None:
        """There always is."""

    def start_tls(self) -> None:
        """Not offered."""

    def pause_reading(self) -> None:
        """Nothing is sent by itself."""

    resume_reading = pause_reading

    def close(self) -> None:
        self.closed = True

    part = abort = close

    def at_once(self, octets: bytes) -> bytes:
        """What has been written when the session has seen these octets, before the loop turns."""
        self._written = b""
        self.session.received(octets)
        return self._written

    async def ask(self, octets: bytes) -> bytes:
        """What has been written when nothing is under way any more."""
        self.at_once(octets)
        async with asyncio.timeout(60):
            while self.session._task is not None:
                await asyncio.sleep(0)
        return self._written


@pytest.fixture
async def client(store: Store) -> AsyncIterator[Client]:
    """Has taken messages 1 and 2, so that the next ones are here."""
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(Address.parse("ann@example.test"))
    inbox = await store.mailboxes.get(user.account_id, INBOX)
    now = datetime.now(UTC)
    await store.committer.append(inbox.id, [NewMessage(prepare(octets), now) for octets in MESSAGES])
    maildrop = await Maildrop.open(store, user.account_id, RecentSnapshots(), pytest.fail)
    watcher = SimpleNamespace(watch=lambda _principal, _ended: lambda: None)
    services: Any = SimpleNamespace(
        settings=Settings(), store=store, authenticator=watcher, tasks=TaskRegistry()
    )
    client = Client()
    client.session = Session(services, client)
    client.session.enter(None, maildrop)
    for number in (1, 2):
        assert await client.ask(b"RETR %d\r\n" % number) == reply(number)
    yield client
    client.session.lost()
    await services.tasks.close()


async def test_the_next_message_is_sent_before_anything_else_is_done(client: Client) -> None:
    before = TIMINGS._counts["POP3 RETR"]
    assert client.session._foreseen.command == b"RETR 3\r\n"
    assert client.at_once(b"RETR 3\r\n") == reply(3)
    assert client.at_once(b"RETR 4\r\n") == reply(4)
    assert TIMINGS._counts["POP3 RETR"] == before + 2
    for number in range(5, 10):
        assert await client.ask(b"RETR %d\r\n" % number) == reply(number)
    assert await client.ask(b"RETR 10\r\n") == NOT_FOUND


async def test_the_same_command_as_others_write_it(client: Client) -> None:
    assert await client.ask(b"retr 3\r\n") == reply(3)
    assert await client.ask(b"RETR  4\r\n") == reply(4)
    assert client.at_once(b"RETR") == b""
    assert await client.ask(b" 5\r\n") == reply(5)
    assert await client.ask(b"RETR 6\r\nRETR 7\r\n") == reply(6) + reply(7)
    assert await client.ask(b"RETR 8\n") == b"-ERR A line ends with CRLF, and CR stands nowhere else.\r\n"
    assert await client.ask(b"RETR 8\r\n") == reply(8)


async def test_half_a_command_before_it_is_not_lost(client: Client) -> None:
    assert client.at_once(b"DELE 3\r\nNO") == b"+OK Message 3 is deleted.\r\n"
    assert client.session._foreseen is None
    assert client.at_once(b"OP\r\n") == b"+OK\r\n"


async def test_what_is_deleted_is_not_sent(client: Client) -> None:
    assert client.at_once(b"DELE 3\r\n") == b"+OK Message 3 is deleted.\r\n"
    assert await client.ask(b"RETR 3\r\n") == NOT_FOUND
    assert await client.ask(b"RETR 4\r\n") == reply(4)
    assert client.at_once(b"RSET\r\n").startswith(b"+OK 9 ")
    assert await client.ask(b"RETR 3\r\n") == reply(3)


async def test_a_lock_that_is_lost_while_a_reply_is_ready(client: Client) -> None:
    client.session.lock_lost()
    assert client.at_once(b"RETR 3\r\n").startswith(LOCK_LOST)
    assert client.closed


async def test_a_server_that_stops_while_a_reply_is_ready(client: Client) -> None:
    client.session.stop()
    assert client.at_once(b"RETR 3\r\n") == b""


async def test_nothing_is_made_ready_for_a_client_that_takes_nothing(client: Client) -> None:
    client.has_room = False
    assert client.at_once(b"RETR 3\r\n") == reply(3)
    assert client.session._foreseen is None


async def test_others_have_their_turn_in_the_middle_of_a_long_run(client: Client) -> None:
    """Else one client with many commands in flight holds up all that the process serves."""
    run = b"CAPA\r\n" * 1000
    assert len(client.at_once(run)) < len(await client.ask(b"NOOP\r\n"))
