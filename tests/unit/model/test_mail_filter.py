"""Which filters match a message, and what they make of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from mailkeep.model.flags import Flags
from mailkeep.model.mail_filter import Facts, LabelFacts, MailFilter, apply, in_order, matches, needs_body

ANY = MailFilter(
    id=UUID(int=1),
    name="any",
    enabled=True,
    priority=100,
    sender="",
    subject="",
    body="",
    has_attachments=None,
    mark_read=False,
    label=None,
    discard=False,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    last_applied_at=None,
    times_applied=0,
)
MAIL = Facts("News@shop.test", "Der große Laden", "Your ORDER 17", True, "It is on its way.")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        ({"sender": "news@SHOP"}, True),
        ({"sender": "GROSSE laden"}, True),
        ({"sender": "other"}, False),
        ({"subject": "order"}, True),
        ({"subject": "order", "sender": "other"}, False),
        ({"body": "ON ITS WAY"}, True),
        ({"body": "order"}, False),
        ({"has_attachments": True}, True),
        ({"has_attachments": False}, False),
    ],
)
def test_conditions_are_folded_substrings_and_all_must_hold(
    conditions: dict[str, object], expected: bool
) -> None:
    assert matches(replace(ANY, **conditions), MAIL) is expected  # type: ignore[arg-type]


def test_every_match_acts_in_order_until_one_discards() -> None:
    label = LabelFacts(UUID(int=9), "Shop", "", "shop")
    filters = in_order(
        [
            replace(ANY, id=UUID(int=4), priority=300, label=LabelFacts(UUID(int=8), "x", "", "late")),
            replace(ANY, id=UUID(int=3), priority=200, discard=True),
            replace(ANY, id=UUID(int=2), name="b", label=label),
            replace(ANY, id=UUID(int=1), name="a", mark_read=True),
            replace(ANY, id=UUID(int=5), subject="nothing like it", label=label),
        ]
    )
    found = apply(filters, MAIL)
    assert found.applied == (UUID(int=1), UUID(int=2), UUID(int=3))
    assert (found.flags, found.discard) == (Flags.parse(["\\Seen", "shop"]), True)
    assert not apply(filters[:2], MAIL).discard
    assert apply([], MAIL).applied == ()


def test_more_labels_than_a_message_holds_are_left_out() -> None:
    filters = [
        replace(ANY, id=UUID(int=n), label=LabelFacts(UUID(int=n), "", "", f"k{n}")) for n in range(1, 80)
    ]
    assert len(apply(filters, MAIL).flags.keywords) == 64


def test_only_a_filter_on_the_body_needs_it() -> None:
    assert not needs_body([ANY, replace(ANY, subject="x")])
    assert needs_body([ANY, replace(ANY, body="x")])
