"""Opaque tokens: the issuer is asked about each (RFC 7662), and not about the same one again at once.

Answers are remembered for a short time under an HMAC with a secret of this process; good ones and bad ones
apart, so that a flood of bad ones pushes no good one out. Those who have failed often ask one at a time.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.tokens.documents import IssuerDocuments
from mailkeep.auth.tokens.facts import ClaimRules, TokenFacts, checked_facts, is_same_issuer
from mailkeep.errors import IssuerUnavailable, Throttled
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.net.singleflight import SingleFlight
from mailkeep.observe.logs import get_logger
from mailkeep.settings_identity import IssuerSettings, read_client_secret

ANSWERS_LIMIT = 10_000
"""Remembered answers of each kind; about 1 KiB each."""

NEGATIVE_SECONDS = 15.0  # a token that was not good may become so only by a mistake of clocks
UNBOUNDED_SECONDS = 3600.0  # RFC 7662 section 2.2 lets `exp` be left out; a session needs an end
ASKED_AT_ONCE = 8
WAITING_SECONDS = 30.0
"""How long one waits at most to be asked about: a slow issuer must not gather logins without end."""

log = get_logger(__name__)


class Introspection:
    """One an issuer that knows us as a client."""

    def __init__(
        self,
        settings: IssuerSettings,
        rules: ClaimRules,
        documents: IssuerDocuments,
        client: OutboundClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._documents = documents
        self._client = client
        self._clock = clock
        self._credentials = ""
        self._secret = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, tuple[float, TokenFacts]] = OrderedDict()
        self._bad: OrderedDict[bytes, tuple[float, Reason]] = OrderedDict()
        self._flights: SingleFlight[bytes, TokenFacts | Reason] = SingleFlight()
        self._places = asyncio.Semaphore(ASKED_AT_ONCE)
        self._narrow = asyncio.Semaphore(1)

    async def facts(self, token: str, now: datetime, *, narrow: bool) -> TokenFacts:
        """What the issuer says of the token. Raises Refused, IssuerUnavailable, Throttled."""
        digest = hmac.digest(self._secret, token.encode(), hashlib.sha256)
        outcome = self._remembered(digest)
        if outcome is None:
            outcome = await self._flights.run(digest, lambda: self._ask(token, digest, now, narrow=narrow))
        if isinstance(outcome, Reason):
            raise Refused(outcome)
        if outcome.expires_at is not None and outcome.expires_at <= now:
            raise Refused(Reason.EXPIRED)
        return outcome

    def _remembered(self, digest: bytes) -> TokenFacts | Reason | None:
        for answers in (self._good, self._bad):
            until, outcome = answers.get(digest, (0.0, None))
            if outcome is not None and until > self._clock():
                return outcome
            answers.pop(digest, None)
        return None

    async def _ask(self, token: str, digest: bytes, now: datetime, *, narrow: bool) -> TokenFacts | Reason:
        try:
            async with asyncio.timeout(WAITING_SECONDS), self._lane(narrow), self._places:
                answer = await self._answer(token)
        except TimeoutError:
            raise Throttled("Too many tokens are being checked; try again soon.") from None
        try:
            facts = self._facts_of(answer, now)
        except Refused as refused:
            seconds = min(NEGATIVE_SECONDS, self._settings.introspection_cache_seconds)
            _keep(self._bad, digest, (self._clock() + seconds, refused.reason))
            return refused.reason
        seconds = self._settings.introspection_cache_seconds
        _keep(self._good, digest, (self._clock() + seconds, facts))
        return facts

    @asynccontextmanager
    async def _lane(self, narrow: bool) -> AsyncIterator[None]:
        if not narrow:
            yield
            return
        async with self._narrow:
            yield

    async def _answer(self, token: str) -> Mapping[str, Any]:
        endpoint = (await self._documents.current()).introspection_endpoint
        if not endpoint:
            raise IssuerUnavailable("The issuer names no introspection endpoint.")
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            return await self._client.post(endpoint, form, {"Authorization": await self._authorization()})
        except (OutboundFailed, OSError, ValueError) as error:
            reason = str(error) if isinstance(error, OutboundFailed) else type(error).__name__
            log.warning("a token cannot be introspected", issuer=self._settings.issuer, reason=reason)
            raise IssuerUnavailable("The issuer of access tokens does not answer.") from None

    async def _authorization(self) -> str:
        """RFC 6749 section 2.3.1: form-encoded first, then Basic."""
        if not self._credentials:
            secret = await asyncio.to_thread(read_client_secret, self._settings)
            pair = f"{quote(self._settings.client_id, safe='')}:{quote(secret, safe='')}"
            self._credentials = base64.b64encode(pair.encode()).decode("ascii")
        return f"Basic {self._credentials}"

    def _facts_of(self, answer: Mapping[str, Any], now: datetime) -> TokenFacts:
        """RFC 7662 section 2.2. Raises Refused."""
        if answer.get("active") is not True:
            raise Refused(Reason.TOKEN_INACTIVE)
        if "iss" in answer and not is_same_issuer(answer["iss"], self._rules.issuer):
            raise Refused(Reason.TOKEN_ISSUER)
        if self._rules.audiences and self._rules.audiences.isdisjoint(_made_for(answer)):
            raise Refused(Reason.TOKEN_AUDIENCE)
        if str(answer.get("token_type", "Bearer")).casefold() not in {"bearer", "access_token"}:
            raise Refused(Reason.TOKEN_CLAIMS)
        facts = checked_facts(answer, self._rules, now)
        if facts.expires_at is None:
            return replace(facts, expires_at=now.astimezone(UTC) + timedelta(seconds=UNBOUNDED_SECONDS))
        return facts


def _made_for(answer: Mapping[str, Any]) -> set[str]:
    """`aud`; issuers that leave it out name at least the client that the token was issued to."""
    named = answer.get("aud", answer.get("client_id"))
    values = named if isinstance(named, list) else [named]
    return {value for value in values if isinstance(value, str)}


def _keep(answers: OrderedDict[bytes, Any], digest: bytes, answer: tuple[float, object]) -> None:
    answers[digest] = answer
    while len(answers) > ANSWERS_LIMIT:
        answers.popitem(last=False)
