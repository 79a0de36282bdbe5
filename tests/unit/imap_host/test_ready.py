"""Values for FETCH that the process remembers: what is found is what was put in, and memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep_imap.fetching.ready import LARGEST, OVERHEAD, ReadyValues

KINDS = ("envelope", "structure")

ids = st.lists(st.integers(1, 30), unique=True, max_size=12)
steps = st.lists(st.tuples(st.sampled_from(("remember", "ask")), st.sampled_from(KINDS), ids), max_size=30)


def _value(kind: str, message_id: int) -> bytes:
    return f"{kind} {message_id}".encode() * (message_id % 3 + 1)


@given(steps, st.integers(0, 20))
def test_what_is_found_is_what_was_remembered(taken: list[tuple[str, str, list[int]]], room: int) -> None:
    ready = ReadyValues(room * OVERHEAD)
    remembered: set[tuple[str, int]] = set()
    for step, kind, message_ids in taken:
        if step == "remember":
            ready.remember(kind, message_ids, [_value(kind, id) for id in message_ids])
            remembered |= {(kind, id) for id in message_ids}
            continue
        (found,) = ready.known([kind], message_ids)
        assert found == [_value(kind, id) for id in message_ids[: len(found)]]
        assert all((kind, id) in remembered for id in message_ids[: len(found)])


def test_only_messages_whose_values_are_all_there_are_known() -> None:
    ready = ReadyValues(1 << 20)
    ready.remember("envelope", [1, 2, 3], [b"e1", b"e2", b"e3"])
    ready.remember("structure", [1, 2], [b"s1", b"s2"])
    assert ready.known(["envelope", "structure"], [1, 2, 3]) == [[b"e1", b"e2"], [b"s1", b"s2"]]
    assert ready.known(["envelope"], [3, 4, 1]) == [[b"e3"]]
    assert ready.known(["header"], [1]) == [[]]


def test_what_is_asked_for_stays_and_the_rest_goes() -> None:
    ready = ReadyValues(20 * (OVERHEAD + 10))
    ready.remember("envelope", [1, 2], [b"x" * 10] * 2)
    for start in range(100, 200, 5):
        ready.remember("envelope", range(start, start + 5), [b"y" * 10] * 5)
        assert ready.known(["envelope"], [1]) == [[b"x" * 10]]
    assert ready.known(["envelope"], [2]) == [[]]
    assert sum(len(ready.known(["envelope"], [id])[0]) for id in range(100, 200)) <= 20


def test_large_values_are_not_worth_their_room() -> None:
    ready = ReadyValues(1 << 20)
    ready.remember("header", [1, 2], [b"x" * (LARGEST + 1), b"small"])
    assert ready.known(["header"], [2]) == [[b"small"]]
    assert ready.known(["header"], [1]) == [[]]
