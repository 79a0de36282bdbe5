"""What users send is signed for their domain, and verifies as it was kept."""

from __future__ import annotations

import dkim as dkimpy
import pytest
from tests.support.smtp_host import SmtpHost
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.delivery.dkim_keys import DkimKeyFiles, PublishedKey
from mailkeep.mailauth.dkim import verify
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.verdict import Verdict

BODY = b"hello  \t there\r\n..a dot\r\n\r\n\r\n"
MESSAGE = b"From: Demo <demo@example.test>\r\nBcc: x@example.test\r\nSubject: hi\r\n\r\n" + BODY


@pytest.fixture
def keys(host: SmtpHost) -> list[PublishedKey]:
    files: DkimKeyFiles = host.server._signer._files
    return [files.add("example.test", "r", "rsa"), files.add("example.test", "e", "ed25519")]


async def submit(host: SmtpHost, message: bytes) -> bytes:
    """What was kept of a message."""
    user = await host.add_user("demo@example.test")
    wire = await host.logged_in(user)
    await wire.transaction("demo@example.test", "demo@example.test")
    await wire.send(message + b".\r\n")
    await wire.expect("250 2.0.0 ")
    (kept,) = await host.inbox("demo@example.test")
    return kept


@pytest.mark.parametrize("body", [BODY, b"".join(b"line %d \r\n" % at for at in range(150_000))])
async def test_every_key_of_the_domain_signs(host: SmtpHost, keys: list[PublishedKey], body: bytes) -> None:
    kept = await submit(host, MESSAGE.replace(BODY, body))
    assert kept.index(b"Received: ") < kept.index(b"DKIM-Signature: ") < kept.index(b"From: ")
    dns = DnsAnswers({key.name: [key.value] for key in keys})
    results = await verify(in_memory(kept), dns, 0)
    assert {(item.verdict, item.selector) for item in results} == {(Verdict.PASS, "r"), (Verdict.PASS, "e")}
    records = {f"{key.name}.".encode(): key.value.encode() for key in keys}
    rsa = [item.selector for item in results].index("r")
    assert dkimpy.DKIM(kept).verify(idx=rsa, dnsfunc=lambda name, timeout=5: records[name])


async def test_date_and_message_id_that_were_added_are_signed(
    host: SmtpHost, keys: list[PublishedKey]
) -> None:
    kept = await submit(host, MESSAGE)
    altered = kept.replace(b"\r\nMessage-ID: <", b"\r\nMessage-ID: <x")
    dns = DnsAnswers({key.name: [key.value] for key in keys})
    assert {item.verdict for item in await verify(in_memory(altered), dns, 0)} == {Verdict.FAIL}
    assert b"Bcc" not in kept


async def test_without_keys_nothing_is_signed(host: SmtpHost) -> None:
    assert b"DKIM-Signature" not in await submit(host, MESSAGE)


async def test_results_that_nobody_of_us_noted_go(host: SmtpHost) -> None:
    forged = b"Authentication-Results: mx.example.test; dmarc=pass\r\n" + MESSAGE
    assert b"Authentication-Results" not in await submit(host, forged)
