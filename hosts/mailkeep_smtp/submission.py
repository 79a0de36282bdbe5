"""Submission (RFC 6409): mail from our users, who prove themselves first and write as themselves only.

The null reverse-path is let pass, as other submission servers do: a mail client's read receipt must be sent
with it (RFC 8098 section 3), and the From field still has to be the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from mailkeep.delivery.authorship import NOBODY, Authorship
from mailkeep.delivery.dispatch import Addressee, Forwarded
from mailkeep.delivery.signing import Signer
from mailkeep.errors import InvalidName, SenderRefused
from mailkeep.mailauth.forged import without_forged
from mailkeep.mime import addresses, headers
from mailkeep.model.address import Address, normal_domain
from mailkeep.smtp.errors import AuthenticationRequired, ContentRefused, TlsRequired
from mailkeep.smtp.paths import ForwardPath, ReversePath
from mailkeep.smtp.submitted import HEADER_LIMIT
from mailkeep.storage.interface import Directory
from mailkeep_smtp.policy import Arrived, Client, Stamp
from mailkeep_smtp.reception import refuse_loops
from mailkeep_smtp.recipients import Recipients

FROM_LIMIT = 10  # addresses in From; RFC 5322 section 3.6.2 allows several, and each costs a look-up


class Submission:
    """The policy of the submission and submissions listeners.

    Keys in `send_as` are their users' and may send as all of the domains that stand there.
    `plaintext_from_loopback` lifts the demand for TLS from clients on the same machine; `relays` lets their
    mail leave for other domains.
    """

    takes_credentials = True
    holds_mail: bool
    mends_headers = True

    def __init__(
        self,
        recipients: Recipients,
        directory: Directory,
        max_received: int,
        plaintext_from_loopback: bool,
        *,
        relays: bool,
        hostname: str,
        signer: Signer,
        send_as: Mapping[UUID, frozenset[str]] = NOBODY,
    ) -> None:
        self._recipients = recipients
        self._authorship = Authorship(directory, send_as)
        self._max_received = max_received
        self._plaintext_from_loopback = plaintext_from_loopback
        self._relays = relays
        self.holds_mail = relays  # what waits is in the queue, which is worked on where mail leaves
        self._hostname = hostname
        self._signer = signer

    def admit(self, client: Client) -> None:
        """TLS, then AUTH, then mail. Raises TlsRequired, AuthenticationRequired."""
        private = client.peer.tls or (self._plaintext_from_loopback and client.peer.is_loopback)
        if not private:
            raise TlsRequired("Must issue a STARTTLS command first.")  # RFC 3207 section 4
        if client.principal is None:
            raise AuthenticationRequired("Authentication required.")  # RFC 4954 section 6

    async def sender(self, client: Client, path: ReversePath) -> None:
        """The envelope sender is one of the user's own addresses, or null."""
        if path.address is not None and not await self._owns(client, path.address):
            raise SenderRefused("The envelope sender is not one of your addresses.")

    async def recipient(
        self, client: Client, path: ForwardPath, sender: ReversePath
    ) -> tuple[Addressee, ...]:
        """Anybody, if this host relays: whoever asks has proven to be one of our users."""
        relays = self._relays and client.principal is not None
        return await self._recipients.resolve(path, sender, relays=relays)

    async def content(self, client: Client, arrived: Arrived) -> Stamp:
        """A message that is its author's own, without results of checks that nobody made."""
        domain = await self._check_author(client, arrived.message.header)
        header = without_forged(arrived.message.header, self._hostname)
        message = replace(arrived.message, header=header)
        return Stamp(header, await self._signer.sign(domain, message))

    async def forward(self, arrived: Arrived, stamp: Stamp) -> Forwarded | None:
        """What our users send leaves as it is, to whomever."""
        return None

    async def _check_author(self, client: Client, header: bytes) -> str:
        """One From field and at most one Sender field, in which every address is the user's own.

        All of the header is looked at, since a second From could stand behind any limit. Returns the first
        author's domain.
        """
        refuse_loops(header, self._max_received)
        if len(header) > HEADER_LIMIT:
            raise ContentRefused(f"The header is longer than {HEADER_LIMIT} octets.")
        authors, senders = _mailboxes(header, b"from"), _mailboxes(header, b"sender")
        if len(authors) != 1:
            raise SenderRefused("A message has one From field.")
        if not 0 < len(authors[0]) <= FROM_LIMIT:
            raise SenderRefused(f"From holds at least one address and at most {FROM_LIMIT}.")
        if len(senders) > 1 or (senders and len(senders[0]) != 1):
            raise SenderRefused("A message has at most one Sender field, with one address.")
        await self._check_owned(client, "From", authors[0])
        for mailboxes in senders:
            await self._check_owned(client, "Sender", mailboxes)
        return _address("From", authors[0][0]).domain

    async def _check_owned(self, client: Client, field: str, mailboxes: Sequence[addresses.Mailbox]) -> None:
        for mailbox in mailboxes:
            if not await self._owns(client, _address(field, mailbox)):
                raise SenderRefused(f"The {field} field holds an address that is not yours.")

    async def _owns(self, client: Client, address: Address) -> bool:
        return await self._authorship.may(client.principal, address)


def _mailboxes(header: bytes, field: bytes) -> list[Sequence[addresses.Mailbox]]:
    """What each field of that name holds."""
    return [
        addresses.parse(headers.unfold(raw.partition(b":")[2]))
        for name, raw in headers.fields(header)
        if name.lower() == field
    ]


def _address(field: str, mailbox: addresses.Mailbox) -> Address:
    """Raises SenderRefused for a group or for what is no address."""
    try:
        if mailbox.mailbox is None or mailbox.host is None or not mailbox.address:
            raise InvalidName("A group is nobody's address, nor is a name alone.")
        return Address(mailbox.mailbox.decode("utf-8"), normal_domain(mailbox.host.decode("utf-8")))
    except (InvalidName, UnicodeDecodeError):
        raise SenderRefused(f"The {field} field holds something that is not an address.") from None
