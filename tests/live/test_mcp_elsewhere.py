"""Assistants' tools on a server that is not ours: a real Dovecot, with folders named as their owner likes and
known by what they are for."""

from __future__ import annotations

import imaplib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from bench.peers.dovecot import Dovecot
from tests.support.api_mail import RICH, plain
from tests.support.clients import SECONDS
from tests.support.mail_server import OFFERS, Sink, sink
from tests.support.programs import program

from mailkeep.errors import NotFound
from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep_api.assistant import arguments
from mailkeep_api.assistant.connected import ConnectedMailbox
from mailkeep_api.assistant.in_doubt import InDoubt
from mailkeep_api.assistant.lent import Lent
from mailkeep_api.assistant.places import Places

GET = arguments.GetFolders()
NAMED = """
namespace inbox {
  mailbox Papierkorb {
    auto = create
    special_use = \\Trash
  }
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
  mailbox "Alle Nachrichten" {
    auto = create
    special_use = \\All
  }
}
"""


class NamedDovecot(Dovecot):
    """Has a Trash and an All with names of another language."""

    def _configuration(self) -> str:
        return super()._configuration() + NAMED


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    program("dovecot")
    with NamedDovecot("sdbox") as running:
        yield running


class Theirs:
    """A mailbox there: as its owner fills it, and as an assistant finds it."""

    def __init__(self, dovecot: Dovecot) -> None:
        self._account = dovecot.account(f"there-{secrets.token_hex(4)}")
        self._port = dovecot.ports["imap"]
        self._in_doubt = InDoubt()
        self.mailbox = self.submitting_at(self._port)

    def submitting_at(self, port: int) -> ConnectedMailbox:
        """The mailbox, with a submission server there."""
        auth = AuthConfig(self._account.password)
        imap, smtp = (
            Transport(Server("127.0.0.1", place, "none"), self._account.address, auth)
            for place in (self._port, port)
        )
        lent = Lent(self._account.address, "gmail", imap, smtp)
        return ConnectedMailbox(lent, "client.example", Places(), self._in_doubt)

    def append(self, folder: str, octets: bytes, at: float = 1_700_000_000.0) -> None:
        with imaplib.IMAP4("127.0.0.1", self._port, timeout=SECONDS) as client:
            client.login(self._account.address, self._account.password)
            date = imaplib.Time2Internaldate(at)
            assert client.append(folder, "", date, octets)[0] == "OK"

    async def subjects(self, **given: object) -> list[str]:
        page = await self.mailbox.search_emails(arguments.SearchEmails.model_validate(given))
        return [one.subject for one in page.emails]


@pytest.fixture
def theirs(dovecot: Dovecot) -> Theirs:
    return Theirs(dovecot)


async def test_folders_are_known_by_what_they_are_for(theirs: Theirs) -> None:
    theirs.append("INBOX", plain("in inbox"))
    theirs.append('"Alle Nachrichten"', plain("in all"))
    folders = {one.name: (one.use, one.messages) for one in await theirs.mailbox.get_folders(GET)}
    assert folders["INBOX"] == ("", 1)
    assert folders["Papierkorb"] == ("trash", 0)
    assert folders["Alle Nachrichten"] == ("all", 1)
    assert await theirs.subjects() == ["in all"]
    assert await theirs.subjects(folder="INBOX") == ["in inbox"]


async def test_conditions_are_exact_where_the_server_knows_days_alone(theirs: Theirs) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    for hour in range(3):
        theirs.append("INBOX", plain(f"h{hour}"), noon + 3600 * hour)
    theirs.append("INBOX", RICH, noon + 3600 * 3)
    since, until = "2026-03-02T13:00:00Z", "2026-03-02T14:00:00+00:00"
    assert await theirs.subjects(folder="INBOX", since=since, until=until) == ["h2", "h1"]
    assert await theirs.subjects(folder="INBOX", since=since, has_attachments=True) == ["Über files"]
    assert await theirs.subjects(folder="INBOX", text="über") == ["Über files"]
    assert await theirs.subjects(folder="INBOX", text="h1) (ALL") == []


async def test_deleting_moves_to_the_trash_under_a_new_id(theirs: Theirs) -> None:
    theirs.append("INBOX", RICH)
    (item,) = (await theirs.mailbox.list_emails(arguments.ListEmails())).emails
    assert (item.is_read, item.attachments, item.received_at.timestamp()) == (False, 1, 1_700_000_000.0)
    await theirs.mailbox.mark_email_read(arguments.MarkEmailRead(email_id=item.email_id))
    moved = await theirs.mailbox.delete_email(arguments.DeleteEmail(email_id=item.email_id))
    assert moved.folder == "Papierkorb"
    opened = await theirs.mailbox.read_email(arguments.ReadEmail(email_id=moved.email_id))
    assert (opened.text.strip(), opened.email.is_read, len(opened.files)) == ("Grüße", True, 1)
    with pytest.raises(NotFound):
        await theirs.mailbox.read_email(arguments.ReadEmail(email_id=item.email_id))


MESSAGE = arguments.SendEmail(to=["bob@far.test"], subject="hi", text="hello", bcc=["cy@far.test"])


async def sent_in_doubt(mailbox: ConnectedMailbox, far: Sink) -> bytes:
    """The server has it, and the line breaks before it says so."""
    with pytest.raises(UpstreamError) as caught:
        await mailbox.send_email(MESSAGE)
    assert caught.value.code is UpstreamCode.UNAVAILABLE
    return far.ended[-1].octets


async def test_what_may_have_arrived_is_sent_again_under_its_id(theirs: Theirs) -> None:
    drops = [""]
    async with sink(
        offers=[*OFFERS, "AUTH PLAIN"], answer=lambda line: drops.pop() if line == "END" and drops else None
    ) as far:
        mailbox = theirs.submitting_at(far.port)
        first = await sent_in_doubt(mailbox, far)
        sent = await mailbox.send_email(MESSAGE)
        assert [one.octets for one in far.ended] == [first, first]
        assert f"<{sent.message_id}>".encode() in first
        another = await mailbox.send_email(MESSAGE)  # that one was answered: this is a new message
        assert another.message_id != sent.message_id


async def test_what_lies_in_sent_is_not_sent_again(theirs: Theirs) -> None:
    async with sink(offers=[*OFFERS, "AUTH PLAIN"], answer=lambda line: "" if line == "END" else None) as far:
        mailbox = theirs.submitting_at(far.port)
        theirs.append("Sent", await sent_in_doubt(mailbox, far))
        sent = await mailbox.send_email(MESSAGE)
        assert (sent.queued, len(far.ended)) == (["bob@far.test", "cy@far.test"], 1)
        assert f"<{sent.message_id}>".encode() in far.ended[0].octets
