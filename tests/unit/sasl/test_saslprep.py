"""RFC 4013, with its section 3 as vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.sasl.saslprep import NotPreparable, saslprep


@pytest.mark.parametrize(
    ("given_text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("", ""),
    ],
)
def test_section_3_examples(given_text, prepared):
    assert saslprep(given_text) == prepared


@pytest.mark.parametrize(
    "text", ["\x07", "\u06271", "a\u0627", "\0", "a\x7f", "\ufffd\u00e9", "\ue000\u00e9"]
)
def test_section_3_prohibited(text):
    with pytest.raises(NotPreparable):
        saslprep(text)


@given(st.text(max_size=30))
def test_preparing_twice_changes_nothing(text):
    try:
        once = saslprep(text)
    except NotPreparable:
        return
    assert saslprep(once) == once
