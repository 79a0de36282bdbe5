"""Mailing the code that proves an address: into a mailbox here, or into the queue, as any other message goes.

It has the null reverse-path and says that a program wrote it (RFC 3834 sections 2 and 5), so that nothing
answers it. What the user chose does not get into it, but for the address that they sign in with, whose domain
signs it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from mailkeep.auth.addresses import CodeLetter
from mailkeep.delivery.dispatch import Dispatch, Mail
from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.signing import Signer
from mailkeep.delivery.submit import addressees_for, new_id
from mailkeep.mailauth.message import in_memory
from mailkeep.model.address import Address
from mailkeep.model.queue import Envelope
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store

RETURN_PATH = b"Return-Path: <>\r\n"
"""For those who have it here; it does not travel."""


class MailedCodes:
    """See auth.addresses.CodeCourier."""

    def __init__(self, store: Store, settings: Settings, signer: Signer | None = None) -> None:
        directory = settings.dkim.keys_directory(settings.store.data_dir)
        self._signer = signer or Signer(DkimKeyFiles(directory))
        self._directory = store.directory
        self._dispatch = Dispatch(store, settings.relay)
        self._relays = settings.relay.route != "off"
        self._hostname = settings.smtp.hostname

    async def check(self, address: Address) -> None:
        """See CodeCourier."""
        await addressees_for(self._directory, address, relays=self._relays)

    async def send(self, letter: CodeLetter) -> None:
        """See CodeCourier."""
        identifier, at = new_id(), datetime.now(UTC)
        octets = letter_octets(letter, f"<{identifier}@{self._hostname}>", at)
        signature = await self._signer.sign(Address.parse(letter.asked_by).domain, in_memory(octets))
        mail = Mail(
            id=identifier,
            message=await prepare_content(RETURN_PATH + signature + octets),
            envelope=Envelope(None, smtputf8=not letter.to.is_ascii),
            addressees=await addressees_for(self._directory, letter.to, relays=self._relays),
            received_at=at,
        )
        await self._dispatch.accept(mail)


def letter_octets(letter: CodeLetter, message_id: str, at: datetime) -> bytes:
    """The message. It is from the postmaster of the domain that the user signs in with."""
    domain = Address.parse(letter.asked_by).domain
    until = f"{letter.expires_at:%Y-%m-%d %H:%M} UTC"
    lines = (
        f"Date: {format_datetime(at)}",
        f"Message-ID: {message_id}",
        f"From: Mailkeep <postmaster@{domain}>",
        f"To: <{letter.to}>",
        "Subject: Your code to confirm this address",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"{letter.asked_by} asks for mail to {letter.to}.",
        "",
        "If that is you, confirm it with this code:",
        "",
        f"    {letter.code}",
        "",
        f"It is good until {until}.",
        "If it is not you, do nothing: without the code nothing happens. Give it to nobody.",
        "",
    )
    return "\r\n".join(lines).encode()
