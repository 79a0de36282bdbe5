"""One access token, kept fresh: refreshed before it ends, once for all who ask, patiently after failures.

Whoever is about to use it asks `current`; whoever was refused with it says so to `refused`, which refreshes
once, unless somebody else has already. What only the person can mend is remembered, so that a dead account
does not hammer its provider.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mailkeep.net.singleflight import SingleFlight
from mailkeep.observe.logs import get_logger
from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import OAuthRefreshProvider

AHEAD = timedelta(seconds=60)
"""A token that ends sooner is refreshed before it is used."""

FIRST_WAIT_SECONDS = 1.0
WAIT_LIMIT_SECONDS = 300.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HeldToken:
    """An access token and its end, None if unknown: then the server's refusal is how we learn of it."""

    token: str = field(repr=False)
    expires_at: datetime | None

    def lasts(self, until: datetime) -> bool:
        """True if it is good at that moment, as far as we know."""
        return self.expires_at is None or self.expires_at > until


class TokenKeeper:
    """The token of one account and protocol. `changed` hears each new token; `clock` is in seconds."""

    def __init__(
        self,
        protocol: MailProtocol,
        user: str,
        held: HeldToken,
        provider: OAuthRefreshProvider | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._protocol = protocol
        self._user = user
        self._held = held
        self._provider = provider
        self._clock = clock
        self._flight: SingleFlight[str, HeldToken] = SingleFlight()
        self._failures = 0
        self._not_before = 0.0
        self._last_error: UpstreamError | None = None

    @property
    def held(self) -> HeldToken:
        """The token as it is, fresh or not."""
        return self._held

    @property
    def needs_sign_in(self) -> bool:
        """True if no refresh can help any more."""
        return self._last_error is not None and self._last_error.code is UpstreamCode.SIGN_IN

    def load(self, held: HeldToken) -> None:
        """A token from outside: what was wrong with the old one is forgotten."""
        self._held = held
        self._failures, self._not_before, self._last_error = 0, 0.0, None

    async def current(self) -> str:
        """A token that is good for another minute, refreshed if need be. One that is still good for less is
        given while a refresh is not possible. Raises UpstreamError."""
        now = datetime.now(UTC)
        if self._held.lasts(now + AHEAD):
            return self._held.token
        try:
            return (await self._refreshed()).token
        except UpstreamError:
            if self._held.lasts(now):
                return self._held.token
            raise

    async def refused(self, token: str) -> str:
        """The server did not take this token: another one. Raises UpstreamError."""
        if token != self._held.token:
            return self._held.token  # it is an old one that was refused
        return (await self._refreshed()).token

    async def _refreshed(self) -> HeldToken:
        if self._last_error is not None and (self.needs_sign_in or self._clock() < self._not_before):
            raise self._last_error
        return await self._flight.run("", self._refresh)

    async def _refresh(self) -> HeldToken:
        if self._provider is None:
            raise UpstreamError(
                UpstreamCode.REFRESH_NONE,
                f"The {self._protocol.name} token of {self._user} has ended and nothing can refresh it:"
                " load a new one, or name a refresh provider.",
            )
        old = self._held
        try:
            made = await self._provider.refresh_token(self._protocol, self._user, old.token)
        except UpstreamError as error:
            self._failed(error)
            raise
        if self._held is old:  # else one came from outside meanwhile, and is the newer
            self.load(HeldToken(made.token, made.expires_at))
        return self._held

    def _failed(self, error: UpstreamError) -> None:
        self._failures += 1
        self._last_error = error
        seconds = min(FIRST_WAIT_SECONDS * 2.0 ** min(self._failures - 1, 16), WAIT_LIMIT_SECONDS)
        self._not_before = self._clock() + seconds * random.uniform(0.5, 1.0)  # noqa: S311  jitter is no secret
        log.warning(
            "a token could not be refreshed",
            protocol=self._protocol.value,
            user=self._user,
            code=error.code.value,
            reason=str(error),
        )
