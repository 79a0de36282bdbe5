"""The algorithms of RFC 5256 section 3 on messages that are at hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import LimitExceeded
from mailkeep.imap import thread_links
from mailkeep.imap.thread_data import ThreadData
from mailkeep.imap.thread_links import Threadable, link
from mailkeep.imap.threads import ALGORITHMS, ordered_subject, references, refs


def shown(entries: object) -> str:
    return ThreadData(entries).encode().decode("ascii").removeprefix("* THREAD").strip()  # type: ignore[arg-type]


def message(
    number: int, message_id: str = "", names: str = "", subject: str = "", **more: object
) -> Threadable:
    facts = {"sent": float(number), "received": float(number), **more}
    return Threadable(number, message_id, tuple(names.split()), subject, **facts)  # type: ignore[arg-type]


def test_ordered_subject_rfc5256_3() -> None:
    found = [
        message(1, subject="a", sent=5.0),
        message(2, subject="b", sent=1.0),
        message(3, subject="a", sent=2.0),
        message(4, subject="a", sent=9.0),
        message(5, subject="", sent=0.0),
    ]
    assert shown(ordered_subject(found)) == "(5)(2)(3 (1)(4))"


def test_a_chain_and_a_branch() -> None:
    found = [message(1, "a"), message(2, "b", "a"), message(3, "c", "a b"), message(4, "d", "a b")]
    assert shown(references(found)) == "(1 2 (3)(4))"


def test_the_order_of_arrival_does_not_matter() -> None:
    found = [message(4, "d", "a b"), message(3, "c", "a b"), message(2, "b", "a"), message(1, "a")]
    assert shown(references(found)) == "(1 2 (3)(4))"


def test_a_message_that_is_not_here_joins_its_answers_step_3() -> None:
    assert shown(references([message(1, "a", "x"), message(2, "b", "x")])) == "((1)(2))"
    assert shown(references([message(1, "a", "x")])) == "(1)"
    assert shown(references([message(1, "a", "x y z"), message(2, "b", "x")])) == "((1)(2))"


def test_a_message_that_is_missing_in_between_is_passed_over() -> None:
    assert (
        shown(references([message(1, "a"), message(2, "b", "a gone"), message(3, "c", "a gone")]))
        == "(1 (2)(3))"
    )


def test_what_a_message_says_of_itself_overrides_others_step_1b() -> None:
    found = [message(1, "a"), message(2, "z", "a c"), message(3, "c", "b"), message(4, "b")]
    assert shown(references(found)) == "(1)(4 3 2)"
    assert shown(references([message(1, "z", "a c"), message(2, "a"), message(3, "c")])) == "(2)(3 1)"


def test_one_id_twice_belongs_to_the_first_message() -> None:
    assert shown(references([message(1, "a"), message(2, "a"), message(3, "b", "a")])) == "(1 3)(2)"


def test_without_ids_everybody_is_alone() -> None:
    assert shown(references([message(1), message(2), message(3)])) == "(1)(2)(3)"


def test_circles_are_not_closed() -> None:
    found = [message(1, "a", "c"), message(2, "b", "a"), message(3, "c", "b"), message(4, "d", "d")]
    assert sorted(number for _, number in references(found) if number) == [1, 2, 3, 4]
    assert shown(references(found)) == "(3 1 2)(4)"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # 5 C: neither is a reply: a dummy joins them
        ([message(1, subject="s"), message(2, subject="s")], "((1)(2))"),
        # a reply joins what is none, whichever came first
        ([message(1, subject="s"), message(2, subject="s", is_reply=True)], "(1 2)"),
        ([message(1, subject="s", is_reply=True), message(2, subject="s")], "(2 1)"),
        ([message(1, subject="s", is_reply=True), message(2, subject="s", is_reply=True)], "((1)(2))"),
        # three of a kind stand under one dummy
        ([message(1, subject="s"), message(2, subject="s"), message(3, subject="s")], "((1)(2)(3))"),
        # 5 B ii: an empty subject joins nobody
        ([message(1), message(2)], "(1)(2)"),
        # a dummy takes in a single message, and another dummy's children
        ([message(1, "a", "x", "s"), message(2, "b", "x"), message(3, subject="s")], "((1)(2)(3))"),
        (
            [
                message(1, "a", "x", "s"),
                message(2, "b", "x"),
                message(3, "c", "y", "s"),
                message(4, "d", "y"),
            ],
            "((1)(2)(3)(4))",
        ),
        # a thread's subject is its root's alone
        ([message(1, "a", "", "s"), message(2, "b", "a", "t"), message(3, subject="t")], "(1 2)(3)"),
    ],
)
def test_equal_subjects_are_gathered_step_5(found: list[Threadable], expected: str) -> None:
    assert shown(references(found)) == expected


def test_siblings_and_threads_stand_by_sent_date_step_6() -> None:
    found = [
        message(1, "a", sent=9.0),
        message(2, "b", "a", sent=8.0),
        message(3, "c", "a", sent=3.0),
        message(4, "d", sent=5.0),
    ]
    assert shown(references(found)) == "(4)(1 (3)(2))"


def test_equal_dates_keep_the_order_of_the_mailbox() -> None:
    found = [message(number, sent=1.0) for number in (3, 1, 2)]
    assert shown(references(found)) == "(3)(1)(2)"


def test_refs_looks_at_no_subject_and_sorts_by_the_latest_arrival() -> None:
    found = [
        message(1, "a", "", "s", received=1.0),
        message(2, "b", "a", "s", received=9.0),
        message(3, "c", "", "s", received=5.0),
    ]
    assert shown(refs(found)) == "(3)(1 2)"


def test_a_chain_as_long_as_a_mailbox_is_no_recursion() -> None:
    count = 30_000
    found = [message(at, str(at), str(at - 1)) for at in range(1, count)]
    for order in (found, found[::-1]):
        assert len(references(order)) == count - 1
        assert max(depth for depth, _ in refs(order)) == count - 2
    assert ThreadData(refs(found)).encode().startswith(b"* THREAD (1 2 3 ")


def test_looking_for_loops_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_links, "STEPS_LIMIT", 1000)
    chain = [message(at, str(at), str(at - 1)) for at in range(1, 100)]
    answers = [message(at, "", str(at)) for at in range(200, 300)]
    answered = [message(at, str(at), "99") for at in range(200, 300)]
    with pytest.raises(LimitExceeded):
        references([*chain, *answers, *answered])


ids = st.sampled_from(["", "a", "b", "c", "d", "e", "f"])
messages = st.lists(
    st.builds(
        Threadable,
        number=st.just(0),
        message_id=ids,
        references=st.lists(ids.filter(bool), max_size=5).map(tuple),
        subject=st.sampled_from(["", "s", "t"]),
        is_reply=st.booleans(),
        sent=st.integers(0, 5).map(float),
        received=st.integers(0, 5).map(float),
    ),
    max_size=12,
).map(
    lambda found: [
        Threadable(at, one.message_id, one.references, one.subject, one.is_reply, one.sent, one.received)
        for at, one in enumerate(found, start=1)
    ]
)


@given(messages, st.sampled_from(sorted(ALGORITHMS)))
def test_every_message_stands_once_and_dummies_only_at_the_top(found: list[Threadable], name: str) -> None:
    entries = ALGORITHMS[name](found)
    assert sorted(number for _, number in entries if number is not None) == [one.number for one in found]
    for place, (depth, number) in enumerate(entries):
        assert depth == 0 or (place and depth <= entries[place - 1][0] + 1)
        if number is None:
            assert depth == 0
            below = [one for one, _ in entries[place + 1 :]]
            end = below.index(0) if 0 in below else len(below)
            assert below[:end].count(1) >= 2


@given(messages)
def test_links_never_make_a_circle(found: list[Threadable]) -> None:
    parents = link(found)
    for start in range(len(parents)):
        node, steps = start, 0
        while node != -1:
            node, steps = parents[node], steps + 1
            assert steps <= len(parents)
