"""Any octets at an SMTP host: every answer is a reply, memory stays bounded, the store stays whole.

Sessions are built of commands, halves of commands, content and noise, and cut anywhere. Whatever happens,
the host answers in SMTP or closes, and takes an ordinary message afterwards.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.support.smtp_host import SmtpHost, smtp_host

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings

SESSIONS = 600

PIECES = [
    b"EHLO client.example\r\n",
    b"HELO client.example\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8\r\n",
    b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n",
    b"MAIL FROM:<a@b.example> SIZE=99999999999\r\n",
    b"RCPT TO:<fuzz@example.test>\r\n",
    b"RCPT TO:<\xce\xb4@example.test>\r\n",
    b"RCPT TO:<a@elsewhere.example>\r\n",
    b"RCPT TO:<postmaster>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\n\r\nbody\r\n.\r\n",
    b".\r\n",
    b"..\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\r.\r",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"VRFY a\r\n",
    b"AUTH PLAIN AGEAYg==\r\n",
    b"AUTH LOGIN\r\n*\r\n",
    b"BDAT 10 LAST\r\n0123456789",
    b"BDAT 12\r\nSubject: x\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 3 LAST\r\na\nb",
    b"BDAT 6000\r\n" + b"RSET\r\n" * 1000,
    b"BDAT 99999\r\n",
    b"BDAT\r\n",
    b"STARTTLS now\r\n",
    b"x" * 3000 + b"\r\n",
    b"\0\r\n",
    b"\xff\xfe\r\n",
    b"\r\n",
]
REPLY = re.compile(rb"(?:[2-5]\d\d[- ][\x20-\x7e]{0,506}\r\n)*\Z")


@pytest.fixture
async def host(sqlite_settings: StoreSettings, tmp_path: Path) -> AsyncIterator[SmtpHost]:
    """One backend is enough: what is thrown at it ends in the protocol."""
    ca = ensure_ca(tmp_path / "ca")
    async with (
        open_test_store(sqlite_settings) as store,
        smtp_host(store, tmp_path / "data", ca, max_message_size=5000) as running,
    ):
        yield running


async def one_session(host: SmtpHost, chance: random.Random) -> bytes:
    """Send pieces in random cuts and then no more; everything that was answered."""
    wire = await host.connect(chance.choice(("mx", "submission")))
    pieces = [
        chance.choice(PIECES) if chance.random() < 0.9 else chance.randbytes(chance.randrange(200))
        for _ in range(chance.randrange(1, 30))
    ]
    octets = b"".join(pieces)
    if chance.random() < 0.5:  # a well-formed start reaches deeper
        octets = b"".join((PIECES[0], PIECES[2], PIECES[5], chance.choice((PIECES[9], b"")))) + octets
    heard = asyncio.ensure_future(wire.reader.read(-1))
    try:
        while octets:
            cut = chance.randrange(1, len(octets) + 1)
            await wire.send(octets[:cut])
            octets = octets[cut:]
        wire.writer.write_eof()
        return await asyncio.wait_for(heard, 20)
    except OSError:
        heard.cancel()
        return b""
    finally:
        wire.writer.transport.abort()


async def test_sessions_of_noise(host: SmtpHost) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    for _ in range(SESSIONS):
        answers = await one_session(host, chance)
        assert REPLY.match(answers), answers
        assert b"A local error" not in answers, answers
    async with asyncio.timeout(20):
        while host.server.services.open_sessions:
            await asyncio.sleep(0.01)
    wire = await host.connect()
    await wire.expect("220 ")
    await wire.ehlo()
    await wire.transaction("a@b.example", "after@example.test")
    await wire.ask("Subject: after\r\n\r\nall that\r\n.", "250 2.0.0 ")
    assert len(await host.inbox("after@example.test")) == 1
    assert all(b"\0" not in octets for octets in await host.inbox("fuzz@example.test"))
    await wire.close()
