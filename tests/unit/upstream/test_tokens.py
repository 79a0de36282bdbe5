"""One token for many operations: refreshed ahead of its end, once, with patience, and dead at its end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import RefreshedOAuthToken
from mailkeep.upstream.tokens import HeldToken, TokenKeeper

USER = "ann@mail.example"


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


class Provider:
    """Counts, and answers what the test says."""

    def __init__(self, life: float = 3600) -> None:
        self.life = life
        self.asked: list[str] = []
        self.error: UpstreamError | None = None

    async def refresh_token(
        self, protocol: MailProtocol, user: str, current_token: str
    ) -> RefreshedOAuthToken:
        self.asked.append(current_token)
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        return RefreshedOAuthToken(f"new-{len(self.asked)}", in_seconds(self.life))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def keeper(
    provider: Provider | None, ends_in: float | None = 3600, clock: Clock | None = None
) -> TokenKeeper:
    held = HeldToken("old", None if ends_in is None else in_seconds(ends_in))
    return TokenKeeper(MailProtocol.IMAP, USER, held, provider, clock or Clock())


@pytest.mark.parametrize(
    ("ends_in", "used"), [(3600, "old"), (62, "old"), (None, "old"), (59, "new-1"), (-5, "new-1")]
)
async def test_a_token_that_ends_within_a_minute_is_refreshed_first(ends_in: float | None, used: str) -> None:
    assert await keeper(Provider(), ends_in).current() == used


async def test_a_hundred_operations_share_one_refresh() -> None:
    provider = Provider()
    shared = keeper(provider, -5)
    tokens = await asyncio.gather(*(shared.current() for _ in range(100)))
    assert set(tokens) == {"new-1"}
    assert provider.asked == ["old"]


async def test_a_refused_token_is_refreshed_once_for_all_who_were_refused() -> None:
    provider = Provider()
    shared = keeper(provider)
    tokens = await asyncio.gather(*(shared.refused("old") for _ in range(20)))
    assert set(tokens) == {"new-1"}
    assert await shared.refused("old") == "new-1"  # somebody late: it has been replaced already
    assert len(provider.asked) == 1


async def test_one_who_gives_up_does_not_take_the_refresh_from_the_others() -> None:
    provider = Provider()
    shared = keeper(provider, -5)
    impatient, patient = asyncio.ensure_future(shared.current()), asyncio.ensure_future(shared.current())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "new-1"


async def test_a_token_that_is_still_good_serves_while_the_provider_is_away() -> None:
    provider = Provider()
    provider.error = UpstreamError(UpstreamCode.REFRESH_UNAVAILABLE, "away")
    assert await keeper(provider, 30).current() == "old"


async def test_failures_are_followed_by_longer_and_longer_waits() -> None:
    provider, clock = Provider(), Clock()
    provider.error = UpstreamError(UpstreamCode.REFRESH_UNAVAILABLE, "away")
    waiting = keeper(provider, -5, clock)
    for second in range(100):
        clock.now = float(second)
        with pytest.raises(UpstreamError, match="away"):
            await waiting.current()
    assert 5 <= len(provider.asked) <= 12
    assert not waiting.needs_sign_in
    provider.error = None
    clock.now = 1000.0
    assert (await waiting.current()).startswith("new-")


async def test_a_dead_refresh_token_is_asked_with_once_and_waits_for_the_person() -> None:
    provider, clock = Provider(), Clock()
    provider.error = UpstreamError(UpstreamCode.SIGN_IN, "sign in again")
    dead = keeper(provider, -5, clock)
    for second in range(0, 100_000, 10_000):
        clock.now = float(second)
        with pytest.raises(UpstreamError, match="sign in again"):
            await dead.current()
    assert len(provider.asked) == 1
    assert dead.needs_sign_in
    dead.load(HeldToken("from outside", in_seconds(600)))
    assert not dead.needs_sign_in
    assert await dead.current() == "from outside"


async def test_what_comes_from_outside_during_a_refresh_is_kept() -> None:
    loaded = keeper(Provider(), -5)
    asking = asyncio.ensure_future(loaded.current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loaded.load(HeldToken("from outside", in_seconds(600)))
    await asking
    assert loaded.held.token == "from outside"


async def test_without_a_provider_the_sentence_says_what_to_do() -> None:
    with pytest.raises(UpstreamError, match="load a new one") as caught:
        await keeper(None, -5).current()
    assert caught.value.code is UpstreamCode.REFRESH_NONE
