"""A push service on the loopback, over TLS, and the browser's half of the encryption."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import http_ece
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Browser:
    """The keys that a browser makes for one subscription."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    secret: bytes = b"sixteen octets!!"

    def keys(self) -> dict[str, str]:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dhKey": base64url(point), "authKey": base64url(self.secret)}

    def opened(self, body: bytes) -> dict[str, Any]:
        """What the browser shows."""
        text = http_ece.decrypt(body, private_key=self.private, auth_secret=self.secret, version="aes128gcm")
        found: dict[str, Any] = json.loads(text)
        return found


@dataclass(slots=True)
class PushService:
    """`status` is what it answers; `received` holds (request line, fields, body)."""

    url: str
    ca_file: str
    status: int = 201
    received: asyncio.Queue[tuple[str, dict[str, str], bytes]] = field(default_factory=asyncio.Queue)

    async def taken(self) -> tuple[str, dict[str, str], bytes]:
        return await asyncio.wait_for(self.received.get(), 20)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            line, *rest = head.decode().split("\r\n")
            fields = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest if one)}
            body = await reader.readexactly(int(fields["content-length"]))
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status)
            await writer.drain()
            self.received.put_nowait((line, fields, body))
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def push_service(directory: Path) -> AsyncIterator[PushService]:
    """It is called localhost, and so is its certificate."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    ca_file = directory / "push-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    service = PushService("", str(ca_file))
    server = await asyncio.start_server(service.serve, "localhost", 0, ssl=context)
    service.url = f"https://localhost:{server.sockets[0].getsockname()[1]}/push/one?t=1"
    async with server:
        yield service
        server.close()
