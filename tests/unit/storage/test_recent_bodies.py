"""What was read lately is kept, within its limits."""

from __future__ import annotations

from mailkeep.storage.recent_bodies import KEPT_OCTETS, LARGEST, RecentBodies


def test_all_or_nothing_in_the_order_that_is_asked_for() -> None:
    recent = RecentBodies()
    recent.keep([(1, b"one"), (2, b"two")])
    assert recent.of([2, 1]) == [(2, b"two"), (1, b"one")]
    assert recent.of([1, 3]) is None


def test_large_messages_are_not_kept() -> None:
    recent = RecentBodies()
    recent.keep([(1, bytes(LARGEST)), (2, bytes(LARGEST + 1))])
    assert recent.of([1]) is not None
    assert recent.of([2]) is None


def test_the_oldest_go_first_and_what_is_kept_twice_counts_once() -> None:
    recent = RecentBodies()
    fitting = KEPT_OCTETS // LARGEST
    for _ in range(3):
        recent.keep([(1, bytes(LARGEST))])
    recent.keep((number, bytes(LARGEST)) for number in range(2, fitting + 1))
    assert recent.of([1, fitting]) is not None
    recent.keep([(fitting + 1, b"one more")])
    assert recent.of([1]) is None
    assert recent.of([2, fitting + 1]) is not None
