"""Sign-ins under way: used once, gone after five minutes, bounded for all and for each network."""

from __future__ import annotations

from mailkeep_api.sessions.attempts import (
    ATTEMPT_SECONDS,
    ATTEMPTS_LIMIT,
    ATTEMPTS_PER_NETWORK,
    Attempt,
    Attempts,
    digest_of,
)


def attempt(network: str = "192.0.2.1", began_at: float = 0.0) -> Attempt:
    return Attempt("gmail", "/", network, began_at, digest_of("browser"))


def test_a_state_is_taken_once() -> None:
    attempts, one = Attempts(), attempt()
    attempts.begin(one)
    assert attempts.take(one.state, 1.0) is one
    assert attempts.take(one.state, 1.0) is None


def test_five_minutes_are_enough_and_more_are_too_many() -> None:
    attempts, kept, late = Attempts(), attempt(), attempt()
    attempts.begin(kept)
    attempts.begin(late)
    assert attempts.take(kept.state, ATTEMPT_SECONDS) is kept
    assert attempts.take(late.state, ATTEMPT_SECONDS + 0.1) is None


def test_who_never_comes_back_is_forgotten() -> None:
    attempts = Attempts()
    attempts.begin(attempt())
    attempts.begin(attempt(began_at=200.0))
    attempts.clean(ATTEMPT_SECONDS + 1)
    assert len(attempts) == 1


def test_a_network_pushes_out_only_its_own() -> None:
    attempts, mine = Attempts(), attempt("192.0.2.1")
    attempts.begin(mine)
    first = attempt("192.0.2.2")
    attempts.begin(first)
    for _ in range(ATTEMPTS_PER_NETWORK):
        attempts.begin(attempt("192.0.2.2"))
    assert len(attempts) == ATTEMPTS_PER_NETWORK + 1
    assert attempts.take(first.state, 0.0) is None
    assert attempts.take(mine.state, 0.0) is mine


def test_all_networks_together_are_bounded() -> None:
    attempts = Attempts()
    for number in range(ATTEMPTS_LIMIT + 10):
        attempts.begin(attempt(f"net-{number}"))
    assert len(attempts) == ATTEMPTS_LIMIT


def test_the_words_that_open_something_are_in_no_repr() -> None:
    one = attempt()
    assert one.state not in repr(one)
    assert one.verifier not in repr(one)
    assert one.is_of("browser")
    assert not one.is_of("another")
