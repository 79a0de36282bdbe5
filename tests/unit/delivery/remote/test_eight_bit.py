"""8-bit messages for servers without 8BITMIME (RFC 6152 section 3)."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from tests.support.mail_server import OFFERS, sink
from tests.unit.delivery.remote.test_relay import SENDER, enqueue, relaying, reports, until_empty
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.delivery.signing import Signer
from mailkeep.mailauth.dkim import verify
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.verdict import Verdict
from mailkeep.mime import parts, transfer
from mailkeep.mime.scan import scan
from mailkeep.model.queue import Envelope
from mailkeep.storage.interface import Store

OLD = [offer for offer in OFFERS if offer not in {"8BITMIME", "SMTPUTF8"}]
WITHOUT_BDAT = [offer for offer in OLD if offer != "CHUNKING"]
TEXT = "Grüße und vieles andere in dieser Zeile\r\n.\r\n".encode()
HEADER = b"From: alice@example.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"


def text_of(octets: bytes) -> bytes:
    part = parts.unpack(parts.pack(scan(octets))).root
    return transfer.decode(octets[part.body_start : part.body_end], part.encoding)


@pytest.mark.parametrize("offers", [OLD, WITHOUT_BDAT], ids=["chunks", "data"])
@pytest.mark.parametrize("times", [1, 30_000], ids=["small", "spooled"])
async def test_it_is_converted_for_the_way(
    store: Store, tmp_path: Path, offers: list[str], times: int
) -> None:
    async with sink(offers=offers) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", octets=HEADER + b"\r\n" + TEXT * times)
        (received,) = await far.until(1)
        await until_empty(store)
    assert received.octets.isascii()
    assert text_of(received.octets) == TEXT * times
    assert f"SIZE={len(received.octets)}" in received.mail.split(" ")
    assert "BODY=8BITMIME" not in received.mail
    assert await reports(store) == []
    assert not list((tmp_path / "spool").glob("*"))


async def test_a_server_with_8bitmime_gets_it_as_it_is(store: Store, tmp_path: Path) -> None:
    async with sink() as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", octets=HEADER + b"\r\n" + TEXT)
        (received,) = await far.until(1)
    assert received.octets == HEADER + b"\r\n" + TEXT
    assert "BODY=8BITMIME" in received.mail


async def test_what_cannot_be_converted_comes_back_with_the_reason(store: Store, tmp_path: Path) -> None:
    signed = (
        HEADER.replace(b"text/plain; charset=utf-8", b"multipart/signed; boundary=b")
        + b"\r\n--b\r\n\r\n"
        + TEXT
        + b"\r\n--b\r\nContent-Type: a/b\r\n\r\nsignature\r\n--b--\r\n"
    )
    async with sink(offers=OLD) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", octets=signed)
        await until_empty(store)
    (report,) = await reports(store)
    assert b"\r\nAction: failed\r\nStatus: 5.6.3\r\n" in report
    assert b"A part of multipart/signed would have to be changed" in report
    assert far.received == []


async def test_headers_in_utf8_are_no_matter_of_conversion(store: Store, tmp_path: Path) -> None:
    octets = "Subject: Grüße\r\n\r\nhi\r\n".encode()
    async with sink(offers=OLD) as far, relaying(store, tmp_path, far.port):
        await enqueue(store, "a@far.test", octets=octets, envelope=Envelope(SENDER, smtputf8=True))
        await until_empty(store)
    (report,) = await reports(store)
    assert b"\r\nStatus: 5.6.7\r\n" in report


async def test_what_a_user_sent_is_signed_anew(store: Store, tmp_path: Path) -> None:
    """A signature of somebody else is left: it fails, as anybody can see."""
    files = DkimKeyFiles(tmp_path / "dkim")
    keys = [files.add("example.test", "r", "rsa"), files.add("example.test", "e", "ed25519")]
    signer = Signer(files)
    unsigned = in_memory(HEADER + b"\r\n" + TEXT)
    ours = await signer.sign("example.test", unsigned)
    foreign = ours.replace(b"d=example.test", b"d=other.test")
    octets = b"Received: from here\r\n" + ours + foreign + HEADER + b"\r\n" + TEXT
    dns = DnsAnswers({key.name: [key.value] for key in keys})
    before = [one.verdict for one in await verify(in_memory(octets), dns, 0) if one.domain == "example.test"]
    assert before == [Verdict.PASS, Verdict.PASS]
    async with sink(offers=OLD) as far, relaying(store, tmp_path, far.port, signer=signer):
        await enqueue(store, "a@far.test", octets=octets, user_id=uuid.uuid4())
        await enqueue(store, "b@far.test", id="m2", octets=octets)  # nobody of ours sent it
        own, forwarded = sorted(await far.until(2), key=lambda one: one.recipients)
    assert own.octets.isascii()
    after = await verify(in_memory(own.octets), dns, 0)
    assert [(one.domain, one.verdict) for one in after if one.domain == "example.test"] == [
        ("example.test", Verdict.PASS),
        ("example.test", Verdict.PASS),
    ]
    assert {one.verdict for one in after if one.domain == "other.test"} == {Verdict.FAIL}
    assert {one.verdict for one in await verify(in_memory(forwarded.octets), dns, 0)} == {Verdict.FAIL}
