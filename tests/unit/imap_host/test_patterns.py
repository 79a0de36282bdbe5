"""LIST patterns: RFC 9051 section 6.3.9."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep_imap.patterns import matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("%/%", "a/b", True),
        ("a*", "a/b/c", True),
        ("a%", "ab", True),
        ("a%c", "a/c", False),
        ("*/c", "a/b/c", True),
        ("", "a", False),
        ("INBOX", "INBOX", True),
        ("inbox", "INBOX", True),
        ("InB%", "INBOX", True),
        ("inbox/%", "INBOX/sub", True),
        ("inbox/SUB", "INBOX/sub", False),
        ("sent", "Sent", False),
    ],
)
def test_examples(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=12))
def test_a_pattern_means_what_its_regular_expression_means(pattern: str, name: str) -> None:
    meaning = "".join({"*": ".*", "%": "[^/]*"}.get(one, re.escape(one)) for one in pattern)
    assert matches(pattern, name) is (re.fullmatch(meaning, name) is not None)


def test_no_pattern_is_expensive() -> None:
    assert not matches("*a" * 1000 + "b", "a" * 255)
