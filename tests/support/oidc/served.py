"""An issuer in the test's own process: real HTTP on loopback, every request counted, every answer the test's.

Unlike the certified one it can be wrong, slow, huge and away on purpose, and it signs whatever it is told to.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

DISCOVERY = "/.well-known/openid-configuration"
AUDIENCE = "urn:mailkeep"


def segment(value: object) -> str:
    """base64url of JSON, or of octets as they are."""
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def sign(header: Mapping[str, Any], claims: object, key: Any, algorithm: str = "") -> str:
    """A compact JWS with exactly this header and these claims. `algorithm` lets the header lie about it."""
    signing_input = f"{segment(dict(header))}.{segment(claims)}"
    signature = JWSRegistry.algorithms[algorithm or header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{segment(signature)}"


RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"}, private=True)
EC = {
    "ES256": ECKey.generate_key("P-256", {"kid": "p256"}, private=True),
    "ES384": ECKey.generate_key("P-384", {"kid": "p384"}, private=True),
    "ES512": ECKey.generate_key("P-521", {"kid": "p521"}, private=True),
}
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, private=True)


def public(key: Key, **members: Any) -> dict[str, Any]:
    """The JWK that an issuer publishes."""
    return {**key.as_dict(private=False), **members}


class ServedIssuer:
    """`issuer` is its URL. `keys`, `metadata` and `answers` may be changed at any time."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.requests: Counter[str] = Counter()
        self.forms: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.down = False
        self.stalls = False
        self.pause = 0.0  # seconds before each answer
        self.under_way = 0
        self.most_under_way = 0
        self.keys: list[dict[str, Any]] = [public(key) for key in (RSA, *EC.values(), ED)]
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "introspection_endpoint": f"{self.issuer}/introspect",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        self.tokens: dict[str, dict[str, Any]] = {}  # opaque token -> introspection answer
        self.codes: dict[str, dict[str, Any]] = {}  # authorization code -> answer of the token endpoint
        self.people: dict[str, dict[str, Any]] = {}  # token -> userinfo answer
        self.raw: dict[str, bytes] = {}  # path -> a whole response

    def claims(self, **given: Any) -> dict[str, Any]:
        """Claims of a good token; what is given replaces, None takes away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "subject-1",
            "exp": now + 600,
            "iat": now,
            "scope": "imap smtp api:read",
            "email": "person@example.test",
            "email_verified": True,
        }
        return {name: value for name, value in {**claims, **given}.items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, key: Any = RSA, **claims: Any) -> str:
        """A token signed with RS256 unless the header says otherwise."""
        named = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa", **(header or {})}
        return sign(named, self.claims(**claims), key)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while line := await reader.readline():
                await self._answer(line.split()[1].decode(), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests[path] += 1
        self.headers.append(headers)
        self.forms.append(parse_qs(body.decode()))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(3600 if self.stalls else self.pause)
        self.under_way -= 1
        if path in self.raw:
            writer.write(self.raw[path])
        else:
            status, found = self._found(path, headers)
            octets = json.dumps(found).encode()
            head = (
                f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(octets)}\r\n"
            )
            writer.write(head.encode() + b"\r\n" + octets)
        await writer.drain()

    def _found(self, path: str, headers: Mapping[str, str]) -> tuple[int, object]:
        if self.down:
            return 503, {}
        if path == DISCOVERY:
            return 200, self.metadata
        if path == "/jwks":
            return 200, {"keys": self.keys}
        if path == "/introspect":
            return 200, self.tokens.get(self.forms[-1]["token"][0], {"active": False})
        if path == "/token":
            answer = self.codes.pop(self.forms[-1].get("code", [""])[0], None)
            return (400, {"error": "invalid_grant"}) if answer is None else (200, answer)
        if path == "/me":
            person = self.people.get(headers.get("authorization", "").removeprefix("Bearer "))
            return (401, {}) if person is None else (200, person)
        return 404, {}


@asynccontextmanager
async def served_issuer() -> AsyncIterator[ServedIssuer]:
    """On a free port, on the running loop."""
    made: list[ServedIssuer] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await made[0].serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    made.append(ServedIssuer(server.sockets[0].getsockname()[1]))
    try:
        yield made[0]
    finally:
        server.close()
