"""Positions in the change log as clients carry them: what was packed comes back, anything else is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep_api import positions

NUMBERS = st.integers(1, 2**63 - 1)


@given(st.dictionaries(NUMBERS, NUMBERS, min_size=1, max_size=50))
def test_what_was_packed_comes_back(heads: dict[int, int]) -> None:
    text = positions.pack(heads)
    assert positions.unpack(text) == heads
    assert text.isascii()
    assert " " not in text


@given(st.text(max_size=100) | st.from_regex("[A-Za-z0-9_-]{0,100}", fullmatch=True))
def test_any_text_is_a_position_or_none(text: str) -> None:
    found = positions.unpack(text)
    assert found is None or all(0 < id < 2**63 and 0 <= modseq < 2**63 for id, modseq in found.items())


def test_too_many_mailboxes_make_no_position() -> None:
    few, many = {id * 100: 100_000 for id in range(1, 600)}, {id * 100: 100_000 for id in range(1, 2000)}
    assert positions.unpack(positions.pack(few)) == few
    assert positions.pack(many) == ""
    assert positions.unpack("A" * (positions.TEXT_LIMIT + 1)) is None
