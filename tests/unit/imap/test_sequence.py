"""Sequence sets and what they mean in a mailbox (RFC 9051 section 9, sequence-set)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import imap_values

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.sequence import SAVED_RESULT, SequenceSet
from mailkeep.model.uids import UidSet


def read(text: str) -> SequenceSet:
    cursor = Cursor(text.encode())
    value = cursor.sequence_set()
    cursor.end()
    return value


@pytest.mark.parametrize("text", ["1", "*", "1:3", "3:1", "*:4", "2,4:7,9,12:*", "$", "4294967295"])
def test_a_set_keeps_the_form_in_which_it_was_written(text: str) -> None:
    assert str(read(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "01", "1:", ":1", "1,,2", ",1", "1:2:3", "4294967296", "-1", "1, 2", "**"]
)
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(ImapSyntaxError):
        read(text)


def test_the_star_is_the_last_message() -> None:
    assert read("*").resolve_numbers(15) == UidSet.of([15])
    assert read("2,4:7,9,12:*").resolve_numbers(15) == UidSet.of([2, 4, 5, 6, 7, 9, 12, 13, 14, 15])
    assert read("*:4,5:7").resolve_numbers(10) == UidSet.of(range(4, 11))


def test_a_reversed_range_is_the_same_range() -> None:
    assert read("4:2").resolve_numbers(5) == read("2:4").resolve_numbers(5)


@pytest.mark.parametrize(("text", "exists"), [("4", 3), ("2:4", 3), ("*", 0), ("1:*", 0), ("5:*", 3)])
def test_a_number_that_no_message_has_is_bad_rfc9051_6_4_4(text: str, exists: int) -> None:
    with pytest.raises(ImapSyntaxError):
        read(text).resolve_numbers(exists)


def test_a_uid_that_no_message_has_is_no_error_rfc9051_6_4_9() -> None:
    assert read("4,17").resolve_uids(9) == UidSet.of([4, 17])


def test_n_star_always_holds_the_last_message_rfc9051_6_4_9() -> None:
    assert 9 in read("3291:*").resolve_uids(9)
    assert read("*").resolve_uids(9) == UidSet.of([9])


@pytest.mark.parametrize("text", ["*", "*:*"])
def test_nothing_is_the_last_of_an_empty_mailbox(text: str) -> None:
    assert read(text).resolve_uids(0) == UidSet()


def test_the_saved_result_has_no_ranges_of_its_own_rfc5182() -> None:
    assert read("$") == SAVED_RESULT
    assert not SAVED_RESULT.ranges


@given(imap_values.ranges_only, st.integers(0, 20))
def test_uids_come_out_as_a_plain_set_of_all_that_was_named(value: SequenceSet, largest: int) -> None:
    resolved = value.resolve_uids(largest)
    for first, last in value.ranges:
        low, high = sorted((first or largest, last or largest))
        assert (low in resolved) == (low > 0)
        assert (high in resolved) == (high > 0)
