"""Mail servers of other domains, inside a test: each says what it is told to and keeps what it gets.

`Sink` is one server on a free port of loopback. It speaks SMTP strictly by its script: what it offers, what
it answers to each recipient, when it drops the line. `Names` is a DNS of plain values.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mailkeep.model.dns import Answer, DnsUnavailable, MailExchanger, NoRecords, NoSuchName, TlsAssociation

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10000000", "DSN", "CHUNKING", "ENHANCEDSTATUSCODES")


@dataclass
class Received:
    """One message as it was taken."""

    mail: str
    recipients: list[str]
    octets: bytes
    tls: bool


@dataclass
class Sink:
    """`answer` maps a command's line to a reply in place of the usual one; None is the usual one, "" drops
    the line. `END` stands for the end of a message."""

    offers: Sequence[str] = OFFERS
    greeting: str = "220 sink.test ESMTP"
    answer: Callable[[str], str | None] = lambda line: None
    tls: ssl.SSLContext | None = None
    port: int = 0
    received: list[Received] = field(default_factory=list)
    ended: list[Received] = field(default_factory=list)  # came whole, whatever was answered then
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _open: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        """Accept."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port or self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Accept no more, and drop who is there."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, count: int, seconds: float = 30) -> list[Received]:
        """What was received, when it is so much."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.01)
        return self.received

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            await _Dialogue(self, reader, writer).run()
        except (OSError, asyncio.IncompleteReadError, _Dropped):
            pass
        finally:
            self._open -= 1
            self._tasks.discard(task)
            self._writers.discard(writer)
            with suppress(OSError, RuntimeError):
                writer.transport.abort()


class _Dropped(Exception):
    pass


class _Dialogue:
    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.tls = False
        self.mail = ""
        self.recipients: list[str] = []
        self.octets = b""

    async def run(self) -> None:
        self.say(self.sink.greeting)
        while line := await self.reader.readline():
            text = line.decode().removesuffix("\r\n")
            self.sink.commands.append(text)
            reply = self.sink.answer(text)
            verb = text.split(" ")[0].split(":")[0].upper()
            if verb == "BDAT":
                self.octets += await self.reader.readexactly(int(text.split()[1]))
            if reply is not None:
                self.say(reply)
            else:
                await getattr(self, f"on_{verb.lower()}")(text)
            await self.writer.drain()
            if verb == "QUIT":
                return

    def say(self, *lines: str) -> None:
        if lines == ("",):
            raise _Dropped
        last = len(lines) - 1
        for at, line in enumerate(lines):
            shown = line if at == last or line[3:4] == "-" else f"{line[:3]}-{line[4:]}"
            self.writer.write(shown.encode() + b"\r\n")

    async def on_ehlo(self, text: str) -> None:
        offers = [*self.sink.offers, *(["STARTTLS"] if self.sink.tls and not self.tls else [])]
        self.say("250 sink.test", *(f"250 {offer}" for offer in offers))

    async def on_helo(self, text: str) -> None:
        self.say("250 sink.test")

    async def on_starttls(self, text: str) -> None:
        assert self.sink.tls is not None
        self.say("220 2.0.0 go")
        await self.writer.start_tls(self.sink.tls)
        self.tls = True

    async def on_auth(self, text: str) -> None:
        self.say("235 2.7.0 ok")

    async def on_rset(self, text: str) -> None:
        self.mail, self.recipients, self.octets = "", [], b""
        self.say("250 2.0.0 ok")

    async def on_quit(self, text: str) -> None:
        self.say("221 2.0.0 bye")

    async def on_mail(self, text: str) -> None:
        self.mail, self.recipients, self.octets = text, [], b""
        self.say("250 2.1.0 ok")

    async def on_rcpt(self, text: str) -> None:
        self.recipients.append(text)
        self.say("250 2.1.5 ok")

    async def on_data(self, text: str) -> None:
        if not self.recipients:
            self.say("503 5.5.1 no recipients")
            return
        self.say("354 go on")
        await self.writer.drain()
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _Dropped
            lines.append(line[1:] if line.startswith(b".") else line)
        self.octets = b"".join(lines)
        self.end()

    async def on_bdat(self, text: str) -> None:
        if not self.recipients:
            self.say("503 5.5.1 no recipients")
        elif text.upper().endswith("LAST"):
            self.end()
        else:
            self.say("250 2.0.0 ok")

    def end(self) -> None:
        message = Received(self.mail, self.recipients, self.octets, self.tls)
        self.sink.ended.append(message)
        reply = self.sink.answer("END")
        if reply is None or reply.startswith("2"):
            self.sink.received.append(message)
        self.say(reply if reply is not None else "250 2.0.0 taken")
        self.octets, self.recipients = b"", []


@asynccontextmanager
async def sink(**given: object) -> AsyncIterator[Sink]:
    """A running one."""
    made = Sink(**given)  # type: ignore[arg-type]
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@dataclass
class Names:
    """A DNS. `dead` names are those that nobody answers for; `authentic` is what a validating server says."""

    mx_of: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    a_of: dict[str, list[str]] = field(default_factory=dict)
    aaaa_of: dict[str, list[str]] = field(default_factory=dict)
    txt_of: dict[str, list[bytes]] = field(default_factory=dict)
    tlsa_of: dict[str, list[TlsAssociation]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    authentic: bool = False

    async def mx(self, name: str) -> Answer[MailExchanger]:
        records = self._found(self.mx_of, name)
        return Answer(tuple(MailExchanger(*one) for one in sorted(records)), self.authentic)

    async def a(self, name: str) -> Answer[str]:
        return Answer(tuple(self._found(self.a_of, name)), self.authentic)

    async def aaaa(self, name: str) -> Answer[str]:
        return Answer(tuple(self._found(self.aaaa_of, name)), self.authentic)

    async def txt(self, name: str) -> Answer[bytes]:
        return Answer(tuple(self._found(self.txt_of, name)), self.authentic)

    async def tlsa(self, name: str) -> Answer[TlsAssociation]:
        return Answer(tuple(self._found(self.tlsa_of, name)), self.authentic)

    async def ptr(self, address: str) -> Answer[str]:
        raise NoRecords(f"{address} has no name.")

    def _found(self, records: dict[str, list[Any]], name: str) -> list[Any]:
        if name in self.dead:
            raise DnsUnavailable(f"{name}: nobody answers.")
        if name in records:
            return records[name]
        everything = (self.mx_of, self.a_of, self.aaaa_of, self.txt_of, self.tlsa_of)
        if any(name in known for known in everything):
            raise NoRecords(f"{name} has no such record.")
        raise NoSuchName(f"There is no {name}.")
