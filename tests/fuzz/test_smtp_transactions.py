"""Random mail transactions against a model of them: what each command is answered, and what is stored.

Commands come in any order and in one stream, cut anywhere: the answers depend on what was sent, never on how
it arrived (RFC 2920 section 3.2). What has no place in the model (noise, TLS, AUTH) is in test_smtp_session.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.conftest import open_test_store
from tests.support.smtp_host import ANY_PORT, SmtpHost, Wire, smtp_host

from mailkeep.net.development import ensure_ca
from mailkeep.settings import StoreSettings
from mailkeep.smtp.data import stuff

SESSIONS = 300  # of each kind
LARGEST = 400  # octets of a message
PIECES = (b"a", b".", b"\r\n", b"\r\n", b"\r\n.", b"\r\n..\r\n", b"b" * 90, b"QUIT", b"\r\nRSET\r\n")
BARE = (b"\r", b"\n", b"\r\n.\n", b"\r\r\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@dataclass
class Model:
    """One session as RFC 5321, 3030 and 2033 have it.

    `sent` is the stream so far, `codes` its answers, `stored` what each message that was taken ends with.
    """

    chance: random.Random
    lmtp: bool
    sent: bytes = b""
    codes: list[str] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    greeted: str = ""
    mail: bool = False
    binary: bool = False
    accepted: int = 0
    chunks: int = 0
    octets: bytes = b""
    failure: str = ""

    def say(self, line: str, *codes: str) -> None:
        """One command line and what it is answered."""
        self.sent += line.encode() + b"\r\n"
        self.codes += codes

    def reset(self) -> None:
        """There is no transaction."""
        self.mail = self.binary = False
        self.accepted = self.chunks = 0
        self.octets, self.failure = b"", ""

    def greet(self) -> None:
        verb = "LHLO" if self.lmtp else self.chance.choice(("EHLO", "EHLO", "HELO"))
        self.greeted = verb
        self.reset()
        self.say(f"{verb} client.example", "250")

    def begin(self) -> None:
        binary = self.chance.random() < 0.2
        line = "MAIL FROM:<a@b.example>" + (" BODY=BINARYMIME" if binary else "")
        if not self.greeted or self.mail:
            self.say(line, "503")
        elif binary and self.greeted == "HELO":
            self.say(line, "555")
        else:
            self.mail, self.binary = True, binary
            self.say(line, "250")

    def address(self) -> None:
        known = self.chance.random() < 0.8
        line = "RCPT TO:<model@example.test>" if known else "RCPT TO:<a@elsewhere.example>"
        if not self.mail or self.chunks:
            self.say(line, "503")
        else:
            self.accepted += known
            self.say(line, "250" if known else "550")

    def data(self) -> None:
        if not self.accepted or self.chunks or self.binary:
            self.say("DATA", "503")
            return
        self.say("DATA", "354")
        message = self.text() + b"\r\n"
        self.sent += stuff(message)
        self.end(message)

    def chunk(self) -> None:
        octets, last = self.text(), self.chance.random() < 0.3
        self.say(f"BDAT {len(octets)}{' LAST' if last else ''}")
        self.sent += octets
        self.chunks += self.mail
        if not self.accepted:
            self.failure = "503"
        whole = self.octets + octets
        self.failure = self.failure or self.defect(whole, last=last)
        if not last:
            self.codes.append(self.failure or "250")
            self.octets = whole
        elif self.failure:
            self.codes += [self.failure] * self.answers()
        else:
            self.end(whole)
        if last or not self.mail:
            self.reset()

    def end(self, message: bytes) -> None:
        """A whole message."""
        failure = self.defect(message, last=True)
        self.codes += [failure or "250"] * self.answers()
        if not failure:
            self.stored.append(b"" if self.binary else b"\r\n" + message)  # binary parts may be put otherwise
        self.reset()

    def answers(self) -> int:
        """How many the end of a message has (RFC 2033 section 4.2)."""
        return max(self.accepted, 1) if self.lmtp else 1

    def defect(self, octets: bytes, *, last: bool) -> str:
        if len(octets) > LARGEST:
            return "552"
        if self.binary:
            return ""
        return "550" if _BARE.search(octets if last else octets.removesuffix(b"\r")) else ""

    def text(self) -> bytes:
        pieces: tuple[bytes, ...] = PIECES
        if not self.binary and self.chance.random() < 0.1:
            pieces += BARE
        text = b"".join(self.chance.choices(pieces, k=self.chance.randrange(12)))
        cut = not self.binary and self.chance.random() < 0.1
        return text[:-1] if cut else text  # between CR and LF, perhaps

    def other(self) -> None:
        line, code = self.chance.choice(
            (
                ("NOOP", "250"),
                ("VRFY a", "252"),
                ("HELP", "214"),
                ("DATA now", "501"),
                ("FOO", "500"),
                ("RSET", "250"),
            )
        )
        if line == "RSET":
            self.reset()
        if line == "DATA now" and not self.greeted:
            code = "503"
        self.say(line, code)


STEPS = (
    Model.greet,
    *[Model.begin] * 4,
    *[Model.address] * 5,
    *[Model.data] * 3,
    *[Model.chunk] * 5,
    *[Model.other] * 2,
)


@pytest.fixture
async def host(sqlite_settings: StoreSettings, tmp_path: Path) -> AsyncIterator[SmtpHost]:
    """One backend is enough: what is asked of it ends in the protocol."""
    ca = ensure_ca(tmp_path / "ca")
    async with (
        open_test_store(sqlite_settings) as store,
        smtp_host(
            store, tmp_path / "data", ca, max_message_size=LARGEST, max_errors=1000, lmtp=ANY_PORT
        ) as running,
    ):
        yield running


async def answers(wire: Wire, octets: bytes, chance: random.Random) -> list[str]:
    """Send it in random pieces; the code of each reply after the greeting."""
    await wire.expect("220 ")
    while octets:
        cut = chance.randrange(1, chance.choice((3, 30, 1000)))
        await wire.send(octets[:cut])
        await asyncio.sleep(0)  # or they would arrive as one
        octets = octets[cut:]
    codes = []
    while line := await wire.line():
        if line[3] == " ":
            codes.append(line[:3])
    return codes


@pytest.mark.parametrize("listener", ["mx", "lmtp"])
async def test_answers_and_messages_are_those_of_the_model(host: SmtpHost, listener: str) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    stored: list[bytes] = []
    for _ in range(SESSIONS):
        model = Model(chance, listener == "lmtp")
        if chance.random() < 0.9:
            model.greet()
        for _ in range(chance.randrange(5, 40)):
            chance.choice(STEPS)(model)
        model.say("QUIT", "221")
        assert await answers(await host.connect(listener), model.sent, chance) == model.codes, model.sent
        stored += model.stored
    kept = await host.inbox("model@example.test")
    assert len(kept) == len(stored) > 0
    for octets, end in zip(kept, stored, strict=True):
        assert octets.endswith(end)
