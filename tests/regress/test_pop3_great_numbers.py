"""TOP with more than ten digits of lines was refused as no number, as was such a message-number; RFC 1939
section 7 takes any non-negative count, and the other names a message that is not there (section 5)."""

from __future__ import annotations

import pytest

from mailkeep.pop3.commands import List, Retr, Top, parse
from mailkeep.pop3.limits import BEYOND

GREAT = b"99999999999999"


def test_a_great_count_of_lines_is_all_lines() -> None:
    assert parse(b"TOP 1 " + GREAT) == Top(1, BEYOND)
    assert parse(b"TOP 1 " + b"9" * 200) == Top(1, BEYOND)


def test_a_great_message_number_is_a_message_that_is_not_there() -> None:
    assert parse(b"RETR " + GREAT) == Retr(BEYOND)
    assert parse(b"LIST " + GREAT) == List(BEYOND)


@pytest.mark.parametrize("zeros", [b"0" * 9, b"0" * 20])
def test_zeros_before_a_number_count_for_nothing(zeros: bytes) -> None:
    assert parse(b"RETR " + zeros + b"2") == Retr(2)
