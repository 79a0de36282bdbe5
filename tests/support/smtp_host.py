"""The SMTP host inside a test: a real server on a real store and real sockets, and a client for octets.

`Wire` is one connection. `play` runs a transcript: `C:` lines are sent with CRLF, `S:` lines are what must
come, whole, or up to where they end in `...`.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailkeep.auth import Authenticator, KeyService
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.scope import Scope
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import AuthSettings, Settings, SmtpSettings, StoreSettings, TlsSettings
from mailkeep.settings_dns import DnsSettings
from mailkeep.settings_net import NetSettings
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store
from mailkeep_smtp.server import SmtpServer

HOSTNAME = "mx.example.test"
DOMAIN = "example.test"
ANY_PORT = ("127.0.0.1:0",)
WAIT_SECONDS = 20.0  # for what must come; a loaded machine is slow


@dataclass(frozen=True, slots=True)
class TestUser:
    """A user, with a key that opens SMTP unless other scopes were asked for."""

    __test__ = False

    address: str
    user_id: Any
    account_id: int
    key_id: Any
    api_key: str

    @property
    def plain(self) -> str:
        """The initial response of AUTH PLAIN (RFC 4616)."""
        return base64.b64encode(f"\0{self.address}\0{self.api_key}".encode()).decode()


class SmtpHost:
    """A running server. `places` are its ports by listener name."""

    def __init__(self, store: Store, server: SmtpServer, places: dict[str, int], ca: DevelopmentCa) -> None:
        self.store = store
        self.server = server
        self.places = places
        self.keys = KeyService(store, AuthSettings(bcrypt_cost=4))
        self.client_tls = ssl.create_default_context(cafile=str(ca.ca_file))
        self._wires: list[Wire] = []

    async def add_user(self, address: str, *scopes: Scope) -> TestUser:
        """A user with a key."""
        user = await self.store.directory.add_user(Address.parse(address))
        created = await self.keys.create(user.id, "test", frozenset(scopes or {Scope.SMTP}))
        return TestUser(address, user.id, user.account_id, created.id, created.api_key)

    async def connect(self, listener: str = "mx") -> Wire:
        """A connection; over TLS at once for submissions."""
        tls = self.client_tls if listener == "submissions" else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.places[listener], ssl=tls, server_hostname="localhost" if tls else None
        )
        self._wires.append(Wire(reader, writer))
        return self._wires[-1]

    async def hang_up(self) -> None:
        """Close every client's end: the loop of a test may not end before its connections."""
        for wire in self._wires:
            await wire.close()

    async def logged_in(self, user: TestUser, listener: str = "submissions") -> Wire:
        """A connection past EHLO and AUTH."""
        wire = await self.connect(listener)
        await wire.expect("220 ")
        await wire.ehlo()
        await wire.ask(f"AUTH PLAIN {user.plain}", "235 2.7.0 ")
        return wire

    async def inbox(self, address: str) -> list[bytes]:
        """The messages that lie in an address's INBOX, oldest first; [] if nothing ever came."""
        return await self.messages(address, INBOX)

    async def messages(self, address: str, name: str) -> list[bytes]:
        """The same of another mailbox."""
        account = await self.account_of(address)
        if account is None:
            return []
        mailbox = await self.store.mailboxes.get(account, name)
        snapshot = await self.store.messages.snapshot(mailbox.id)
        await self.store.messages.refresh(snapshot)
        return [octets async for _, octets in self.store.messages.bodies(list(snapshot.message_ids))]

    async def account_of(self, address: str) -> int | None:
        """The account that an address belongs to, claimed or not."""
        records = await self.store.directory.addresses()
        return next((record.account_id for record in records if record.address == address), None)


class Wire:
    """One connection's client end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, octets: bytes) -> None:
        """As they are."""
        self.writer.write(octets)
        await self.writer.drain()

    async def line(self) -> str:
        """The next line without its CRLF; "" at the end of the stream."""
        async with asyncio.timeout(WAIT_SECONDS):
            octets = await self.reader.readline()
        assert octets == b"" or octets.endswith(b"\r\n"), octets
        return octets[:-2].decode("ascii")

    async def reply(self) -> list[str]:
        """All lines of one reply."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return lines

    async def expect(self, *starts: str) -> list[str]:
        """The last lines of as many replies, each beginning as given."""
        found = []
        for start in starts:
            last = (await self.reply())[-1]
            assert last.startswith(start), f"expected {start!r}, got {last!r}"
            found.append(last)
        return found

    async def ask(self, command: str, *starts: str) -> list[str]:
        """Send one line, expect replies."""
        await self.send(command.encode() + b"\r\n")
        return await self.expect(*starts)

    async def ehlo(self) -> list[str]:
        """EHLO; the keywords that came back."""
        await self.send(b"EHLO client.example\r\n")
        lines = await self.reply()
        assert lines[0] == f"250-{HOSTNAME}", lines
        return [line[4:] for line in lines[1:]]

    async def lhlo(self) -> list[str]:
        """LHLO; the keywords that came back."""
        await self.send(b"LHLO client.example\r\n")
        lines = await self.reply()
        assert lines[0] == f"250-{HOSTNAME}", lines
        return [line[4:] for line in lines[1:]]

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS and the handshake."""
        await self.ask("STARTTLS", "220 2.0.0 ")
        await self.handshake(context)

    async def handshake(self, context: ssl.SSLContext) -> None:
        """Only the handshake."""
        await self.writer.start_tls(context, server_hostname="localhost")

    async def transaction(self, sender: str, *recipients: str) -> None:
        """MAIL and RCPT up to DATA's 354."""
        await self.ask(f"MAIL FROM:<{sender}>", "250 2.1.0 ")
        for recipient in recipients:
            await self.ask(f"RCPT TO:<{recipient}>", "250 2.1.5 ")
        await self.ask("DATA", "354 ")

    async def closed(self) -> None:
        """The server has closed, and said nothing more."""
        async with asyncio.timeout(WAIT_SECONDS):
            assert await self.reader.read() == b""

    async def close(self) -> None:
        """Close without a word."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    async def play(self, transcript: str) -> None:
        """Say and hear the lines of a transcript in their order."""
        for row in filter(str.strip, transcript.splitlines()):
            side, _, line = row.strip().partition(" ")
            if side == "C:":
                await self.send(line.encode() + b"\r\n")
            else:
                assert side == "S:", row
                got = await self.line()
                matches = got.startswith(line[:-3]) if line.endswith("...") else got == line
                assert matches, f"expected {line!r}, got {got!r}"


@asynccontextmanager
async def smtp_host(
    store: Store,
    directory: Path,
    ca: DevelopmentCa,
    *,
    with_tls: bool = True,
    loopback_auth: bool = False,
    relay: RelaySettings | None = None,
    dns: DnsSettings | None = None,
    reception: ReceptionSettings | None = None,
    net: NetSettings | None = None,
    **limits: Any,
) -> AsyncIterator[SmtpHost]:
    """A server on free ports, with `example.test` hosted. `limits` are SmtpSettings; without `relay` nothing
    leaves."""
    tls = TlsSettings(str(ca.certificate), str(ca.key)) if with_tls else TlsSettings()
    settings = Settings(
        store=StoreSettings(data_dir=str(directory)),
        tls=tls,
        auth=AuthSettings(bcrypt_cost=4, insecure_loopback_auth=loopback_auth),
        relay=relay or RelaySettings(route="off"),
        dns=dns or DnsSettings(),
        reception=reception or ReceptionSettings(),
        net=net or NetSettings(),
        smtp=SmtpSettings(
            **{
                "hostname": HOSTNAME,
                "mx": ANY_PORT,
                "submission": ANY_PORT,
                "submissions": ANY_PORT if with_tls else (),
                **limits,
            }
        ),
    )
    await store.directory.add_domain(DOMAIN)
    authenticator = Authenticator(store, settings.auth, "smtp")
    await authenticator.start()
    server = SmtpServer(settings, store, authenticator)
    try:
        bound = await server.listen()
        ports = {name: int(places[0].rpartition(":")[2]) for name, places in bound.items() if places}
        host = SmtpHost(store, server, ports, ca)
        yield host
        await host.hang_up()
    finally:
        await server.close()
        await authenticator.close()
