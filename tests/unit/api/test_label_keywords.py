"""Which keyword a label gets: Thunderbird's for the same name, and always one that a message can hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.flags import Flags
from mailkeep_api.label_keywords import keyword_for


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("Important", "$label1"),
        (" to do ", "$label4"),
        ("Receipts", "receipts"),
        ("Tax 2026 (open)", "tax_2026__open_"),
        ("Müll", "m&apw-ll"),
        ("R&D", "r&-d"),
        ("Junk", "_junk"),
        ("$Forwarded", "_$forwarded"),
        ("", "label"),
    ],
)
def test_a_name_has_the_keyword_that_thunderbird_gives_it(name: str, keyword: str) -> None:
    assert keyword_for(name) == keyword


@given(st.text(max_size=100))
def test_every_name_has_a_keyword_that_can_be_kept(name: str) -> None:
    keyword = keyword_for(name)
    assert Flags.parse([keyword]).keywords == (keyword,)
