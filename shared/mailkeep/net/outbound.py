"""Small JSON answers from servers that we were told to trust: one client, with limits on all that can grow.

It follows no redirect (a secret or a token must not travel on), reads no proxy from the environment, and
gives up on time and size. Its errors name the server and never what was sent or received.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx2

BODY_LIMIT = 512 * 1024
"""Octets of one answer; a set of 64 keys has about 60 KiB."""

CONNECTIONS_LIMIT = 16
_WORD = re.compile(r"[a-z_]{1,40}")


class OutboundFailed(Exception):
    """No usable answer. `status` is the HTTP status, None if there was none; `word` the `error` of a refusal
    in JSON (RFC 6749 section 5.2), "" if it has none."""

    def __init__(self, sentence: str, status: int | None = None, word: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.word = word


class OutboundClient:
    """Connections are kept between requests. `close` when none is under way."""

    def __init__(self, timeout: float, ca_file: str = "") -> None:
        self._timeout = timeout
        self._ca_file = ca_file
        self._opened: httpx2.AsyncClient | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at a URL. Raises OutboundFailed."""
        return await self._ask("GET", url, dict(headers or {}), None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that answers a form. Raises OutboundFailed."""
        return await self._ask("POST", url, dict(headers), dict(form))

    async def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> dict[str, Any]:
        host = urlsplit(url).netloc
        try:
            async with asyncio.timeout(self._timeout):
                return _object(await self._read(method, url, headers, form), host)
        except TimeoutError:
            raise OutboundFailed(f"{host} did not answer in {self._timeout:g} s.") from None

    async def _read(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> bytes:
        import httpx2  # noqa: PLC0415  170 ms that only a host with issuers pays

        client = await self._client()
        headers["Accept"] = "application/json"
        try:
            async with client.stream(method, url, headers=headers, data=form) as answer:
                if answer.status_code != 200:
                    word = await _error_word(answer)
                    said = f"{answer.status_code} ({word})" if word else str(answer.status_code)
                    raise OutboundFailed(f"{answer.url.host} answered {said}.", answer.status_code, word)
                return await _limited(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise OutboundFailed(f"{urlsplit(url).netloc}: {type(error).__name__}.") from None

    async def _client(self) -> httpx2.AsyncClient:
        if self._opened is None:
            import httpx2  # noqa: PLC0415

            context = await asyncio.to_thread(_tls_context, self._ca_file)
            if self._opened is None:  # another request may have been faster
                self._opened = httpx2.AsyncClient(
                    verify=context,
                    timeout=self._timeout,
                    trust_env=False,
                    follow_redirects=False,
                    limits=httpx2.Limits(max_connections=CONNECTIONS_LIMIT),
                )
        return self._opened


def _tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _error_word(answer: httpx2.Response) -> str:
    """RFC 6749 section 5.2: one word; whatever else a refusal says may repeat what was sent."""
    try:
        found = json.loads(await _limited(answer))
    except (ValueError, RecursionError, OutboundFailed):
        return ""
    word = found.get("error") if isinstance(found, dict) else None
    return word if isinstance(word, str) and _WORD.fullmatch(word) else ""


async def _limited(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise OutboundFailed(f"{answer.url.host} answered with more than {BODY_LIMIT} octets.")
    return bytes(body)


def _object(body: bytes, host: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OutboundFailed(f"{host} did not answer with a JSON object.")
    return found
