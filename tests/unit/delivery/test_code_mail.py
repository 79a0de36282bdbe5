"""The letter with the code: what stands in it, and where it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailkeep.auth.addresses import CodeLetter
from mailkeep.delivery.code_mail import MailedCodes, letter_octets
from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.delivery.signing import Signer
from mailkeep.errors import RecipientRefused, RelayDenied
from mailkeep.model.address import Address
from mailkeep.model.directory import DomainPolicy
from mailkeep.model.queue import QueueState
from mailkeep.settings import Settings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def letter(to: str) -> CodeLetter:
    return CodeLetter(Address.parse(to), "0K1XW-2A3B4", NOON, "ann@example.test")


async def test_a_letter_that_stays_here_is_in_the_inbox(store: Store) -> None:
    await store.directory.add_domain("example.test")
    bob = await store.directory.add_user(Address.parse("bob@example.test"))
    await MailedCodes(store, Settings()).send(letter("bob+shop@example.test"))
    assert (await store.mailboxes.get(bob.account_id, "INBOX")).messages == 1


async def test_a_letter_for_elsewhere_waits_in_the_queue(store: Store) -> None:
    codes = MailedCodes(store, Settings(relay=RelaySettings(route="direct")))
    await codes.check(Address.parse("ann@elsewhere.example"))
    await codes.send(letter("ann@elsewhere.example"))
    [waiting] = await store.queue.entries()
    assert (str(waiting.recipient), waiting.state) == ("ann@elsewhere.example", QueueState.WAITING)


async def test_the_domain_of_who_asks_signs_the_letter(store: Store, tmp_path: Path) -> None:
    await store.directory.add_domain("example.test")
    bob = await store.directory.add_user(Address.parse("bob@example.test"))
    files = DkimKeyFiles(tmp_path)
    files.add("example.test", "one", "ed25519")
    await MailedCodes(store, Settings(), Signer(files)).send(letter("bob+shop@example.test"))
    inbox = await store.mailboxes.get(bob.account_id, "INBOX")
    snapshot = await store.messages.snapshot(inbox.id)
    octets = await (await store.messages.body(snapshot.message_ids[0])).read()
    assert octets.startswith(b"Return-Path: <>\r\nDKIM-Signature: ")
    assert b"d=example.test" in octets


async def test_where_no_mail_goes_no_letter_does(store: Store) -> None:
    await store.directory.add_domain("example.test", DomainPolicy.REJECT_UNKNOWN)
    codes = MailedCodes(store, Settings(relay=RelaySettings(route="off")))
    with pytest.raises(RecipientRefused):
        await codes.check(Address.parse("nobody@example.test"))
    with pytest.raises(RelayDenied):
        await codes.check(Address.parse("ann@elsewhere.example"))


def test_nothing_answers_it_and_it_says_who_asked() -> None:
    octets = letter_octets(letter("grün@elsewhere.example"), "<1@mail.example.test>", NOON)
    header, _, body = octets.partition(b"\r\n\r\n")
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in header
    assert b"\r\nFrom: Mailkeep <postmaster@example.test>\r\n" in header
    assert "To: <grün@elsewhere.example>".encode() in header
    assert b"ann@example.test asks for" in body
    assert b"\r\n    0K1XW-2A3B4\r\n" in body
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert max(map(len, octets.split(b"\r\n"))) < 998
