"""Buckets: a minute's requests at once, then one as each is refilled; one for each caller and class."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope
from mailkeep_api import rates
from mailkeep_api.rates import RateClass, Rates, TooManyRequests

ANN, BOB = uuid4(), uuid4()


def asked(made: Rates, times: int, at: float, kind: RateClass = RateClass.AUTH) -> int:
    """How many of so many requests are let through."""
    through = 0
    for _ in range(times):
        try:
            made.take(kind, ANN, at)
            through += 1
        except TooManyRequests:
            pass
    return through


@pytest.mark.parametrize("kind", RateClass)
def test_a_full_bucket_is_a_minutes_requests(kind: RateClass) -> None:
    made = Rates()
    assert asked(made, kind.value + 5, 1000.0, kind) == kind.value
    assert asked(made, 5, 1000.0 + 60.0 / kind.value, kind) == 1
    assert asked(made, kind.value + 5, 5000.0, kind) == kind.value


def test_each_caller_and_class_has_its_own() -> None:
    made = Rates()
    assert asked(made, 11, 0.0) == 10
    made.take(RateClass.AUTH, BOB, 0.0)
    made.take(RateClass.API, ANN, 0.0)


@given(st.floats(0, 1e6), st.integers(1, 30))
def test_whoever_waits_as_told_gets_through(at: float, spent: int) -> None:
    made = Rates()
    asked(made, 10 + spent, at)
    with pytest.raises(TooManyRequests) as refusal:
        made.take(RateClass.AUTH, ANN, at)
    assert 1 <= refusal.value.retry_after <= 60
    made.take(RateClass.AUTH, ANN, at + refusal.value.retry_after)


def test_memory_is_bounded_and_the_silent_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "CALLERS_LIMIT", 2)
    made = Rates()
    assert asked(made, 10, 0.0) == 10
    for _ in range(2):
        made.take(RateClass.AUTH, uuid4(), 0.0)
    assert asked(made, 10, 0.0) == 10


async def test_one_request_too_many_is_429_and_says_when_to_return(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        answers = [await client.get("/api/smtp-credentials") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:10]] == [200] * 10
        assert refused
        assert all(f"in {answer.headers['retry-after']} seconds" in answer.text for answer in refused)
        assert refused[0].headers["content-type"] == "application/problem+json"
        assert (await client.get("/api/emails")).status_code == 200
    async with api.client(await api.key(ann, Scope.API_READ)) as second:
        assert 429 in [(await second.get("/api/smtp-credentials")).status_code for _ in range(3)]
    async with api.client(await api.key(bob, Scope.APP)) as other:
        assert (await other.get("/api/smtp-credentials")).status_code == 200
