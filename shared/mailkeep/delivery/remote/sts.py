"""Which domains have an MTA-STS policy (RFC 8461): announced in DNS, fetched over HTTPS, remembered while it
counts.

A policy that cannot be fetched is none, unless an earlier one has not expired: then that one counts, so that
whoever blocks the fetch gains nothing (section 5.1). The memory is this process's own.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords
from mailkeep.observe.logs import get_logger
from mailkeep.smtp.mta_sts import POLICY_LIMIT, Policy, parse_policy, record_id

FETCH_SECONDS = 15.0
FAILED_SECONDS = 300.0  # until a fetch that failed is tried again (section 3.3)
DOMAINS_LIMIT = 10_000
ADDRESSES_LIMIT = 4  # of a policy host that are asked, one after another
PATH = "/.well-known/mta-sts.txt"

log = get_logger(__name__)

Fetch = Callable[[str], Awaitable[str | None]]


@dataclass(slots=True)
class _Known:
    id: str
    policy: Policy | None
    expires_at: float
    failed_at: float = float("-inf")


class Policies:
    """`of` a domain. `fetch` gets a policy's text by domain; None if it cannot."""

    def __init__(self, resolver: Lookups, fetch: Fetch) -> None:
        self._resolver = resolver
        self._fetch = fetch
        self._known: dict[str, _Known] = {}

    async def of(self, domain: str) -> Policy | None:
        """The policy that counts now."""
        known = self._known.get(domain)
        if known is not None and known.expires_at <= time.monotonic():
            known.policy = None
        announced = await self._announced(domain)
        if announced is None or (known is not None and known.id == announced and known.policy is not None):
            return known.policy if known is not None else None
        if known is not None and time.monotonic() - known.failed_at < FAILED_SECONDS:
            return known.policy
        return await self._renew(domain, announced, known)

    async def _announced(self, domain: str) -> str | None:
        try:
            return record_id((await self._resolver.txt(f"_mta-sts.{domain}")).records)
        except (NoRecords, DnsUnavailable):
            return None

    async def _renew(self, domain: str, announced: str, known: _Known | None) -> Policy | None:
        text = await self._fetch(domain)
        policy = parse_policy(text) if text is not None else None
        now = time.monotonic()
        if policy is None:
            log.info("an MTA-STS policy is announced and cannot be had", domain=domain)
            kept = known or _Known("", None, now)
            kept.failed_at = now
            self._remember(domain, kept)
            return kept.policy
        self._remember(domain, _Known(announced, policy, now + policy.max_age))
        return policy

    def _remember(self, domain: str, known: _Known) -> None:
        self._known[domain] = known
        while len(self._known) > DOMAINS_LIMIT:
            del self._known[next(iter(self._known))]


class HttpsFetch:
    """Gets policies as RFC 8461 section 3.3 has it: over HTTPS with a certificate for the policy host, and
    following no redirects. Names are looked up by our own resolver; `allowed` chooses among the addresses."""

    def __init__(
        self,
        resolver: Lookups,
        ca_file: str,
        allowed: Callable[[list[str]], list[str]],
        port: int = 443,
    ) -> None:
        self._resolver = resolver
        self._ca_file = ca_file
        self._allowed = allowed
        self._port = port
        self._context: ssl.SSLContext | None = None

    async def __call__(self, domain: str) -> str | None:
        """The policy's text; None for every reason not to have it."""
        host = f"mta-sts.{domain}"
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                for address in self._allowed(await self._addresses(host))[:ADDRESSES_LIMIT]:
                    if (text := await self._get(host, address)) is not None:
                        return text
        except TimeoutError:
            log.info("an MTA-STS policy did not come in time", host=host)
        return None

    async def _addresses(self, host: str) -> list[str]:
        for question in (self._resolver.a, self._resolver.aaaa):
            try:
                return list((await question(host)).records)
            except (NoRecords, DnsUnavailable):
                continue
        return []

    async def _get(self, host: str, address: str) -> str | None:
        import httpx2  # noqa: PLC0415  170 ms that only a host pays that meets such a domain

        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file or None)
        place = f"[{address}]" if ":" in address else address
        given: dict[str, Any] = {"headers": {"Host": host}, "extensions": {"sni_hostname": host}}
        try:
            async with (
                httpx2.AsyncClient(verify=self._context, trust_env=False, timeout=FETCH_SECONDS) as client,
                client.stream("GET", f"https://{place}:{self._port}{PATH}", **given) as answer,
            ):
                return await _text(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            log.info("an MTA-STS policy cannot be fetched", host=host, reason=type(error).__name__)
            return None


async def _text(answer: Any) -> str | None:
    """Of a 200 alone, and within the limit."""
    kind = answer.headers.get("content-type", "").lower()  # RFC 9110 section 8.3.1: in any case
    if answer.status_code != 200 or not kind.startswith("text/plain"):
        return None
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > POLICY_LIMIT:
            return None
    return str(body.decode("utf-8", "replace"))
