"""A message asked for again after an attempt of unknown outcome is the same message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailkeep.mime.compose import Draft, File, Named
from mailkeep.model.address import Address
from mailkeep_api.assistant import in_doubt
from mailkeep_api.assistant.in_doubt import InDoubt, digest_of

ANN, BOB, CY = (Address.parse(f"{name}@far.test") for name in ("ann", "bob", "cy"))
FIRST = Draft(Named(ANN), "1@far.test", datetime(2026, 1, 1, tzinfo=UTC), (Named(BOB),), text="hello")
AGAIN = replace(FIRST, message_id="2@far.test", date=datetime(2026, 1, 2, tzinfo=UTC))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def key(draft: Draft, account: str = "gmail ann", *recipients: Address) -> bytes:
    return digest_of(account, draft, recipients or (BOB,))


def test_the_same_again_bears_the_first_s_id_and_date() -> None:
    kept = InDoubt()
    assert kept.begin(key(FIRST), FIRST) == (FIRST, False)
    assert kept.begin(key(AGAIN), AGAIN) == (FIRST, True)
    kept.settle(key(AGAIN))
    assert kept.begin(key(AGAIN), AGAIN) == (AGAIN, False)


@pytest.mark.parametrize(
    "other",
    [
        key(replace(AGAIN, text="hello!")),
        key(replace(AGAIN, files=(File("x", "text/plain", b"1"),))),
        key(replace(AGAIN, messages=(b"Subject: x\r\n\r\n",))),
        key(replace(AGAIN, in_reply_to="0@far.test")),
        key(AGAIN, "gmail bob"),
        key(AGAIN, "gmail ann", BOB, CY),
    ],
)
def test_another_message_account_or_recipient_is_another(other: bytes) -> None:
    assert other != key(FIRST)


def test_files_are_told_apart_by_what_they_hold() -> None:
    one, two = (replace(FIRST, files=(File("x", "text/plain", octets),)) for octets in (b"1", b"2"))
    assert key(one) != key(two)


def test_they_are_remembered_for_a_time_and_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    kept = InDoubt(clock)
    kept.begin(key(FIRST), FIRST)
    clock.now = in_doubt.SECONDS + 1
    assert kept.begin(key(AGAIN), AGAIN) == (AGAIN, False)
    monkeypatch.setattr(in_doubt, "LIMIT", 2)
    for number in range(2):
        kept.begin(bytes([number]), FIRST)
    assert kept.begin(key(FIRST), FIRST) == (FIRST, False)
