"""Conversions between values and columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.storage.values import (
    as_datetime,
    as_flags,
    as_uuid,
    as_words,
    clean,
    moment,
    new_uuid,
    words,
)


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_read_back(at: datetime) -> None:
    assert as_datetime(moment(at)) == at


def test_a_moment_is_the_same_in_every_zone() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(at) == moment(at.astimezone(UTC))
    assert as_datetime(0) == datetime(1970, 1, 1, tzinfo=UTC)


@given(st.text())
def test_clean_text_can_be_stored_and_is_left_alone(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned
    if "\x00" not in text:
        assert cleaned == text


def test_what_cannot_be_stored_is_replaced() -> None:
    assert clean("a\x00b\ud800c") == "a\ufffdb?c"


def test_uuids_are_version_7_and_grow_with_time() -> None:
    """RFC 9562 section 5.7."""
    made = [new_uuid() for _ in range(100)]
    assert len(set(made)) == 100
    for uuid in made:
        assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    times = [uuid.int >> 64 for uuid in made]  # with the fraction of the millisecond (section 6.2, method 3)
    assert times == sorted(times)
    assert len(set(times)) > len({uuid.int >> 80 for uuid in made})


def test_uuids_as_either_database_gives_them() -> None:
    uuid = new_uuid()
    assert as_uuid(uuid) == as_uuid(uuid.bytes) == UUID(str(uuid))


def test_words() -> None:
    assert as_words(words(["a", "b"])) == ("a", "b")
    assert as_words(words([])) == ()
    assert as_flags(1, "Work later").names() == ("\\Seen", "Work", "later")
