"""Mailbox names (RFC 9051 section 5.1, RFC 5198 section 2)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.model.mailbox import MAILBOX_DEPTH_LIMIT, MAILBOX_NAME_LIMIT
from mailkeep.storage.mailbox_names import lookup_name, normal_name, parents


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("inbox", "INBOX"),
        ("Inbox/child", "INBOX/child"),
        ("a/inbox", "a/inbox"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a b.c&d", "a b.c&d"),
        (" a ", " a "),
    ],
)
def test_normal_names(name: str, normal: str) -> None:
    assert normal_name(name) == lookup_name(name) == normal


@pytest.mark.parametrize("name", ["", "/", "a/", "/a", "a//b", "*", "a%", "\x7f", "\x85", "\u2029", "\udc00"])
def test_refused_names(name: str) -> None:
    with pytest.raises(InvalidName):
        normal_name(name)
    assert lookup_name(name) is None


def test_the_limits() -> None:
    assert normal_name("x" * MAILBOX_NAME_LIMIT)
    assert normal_name("/".join("x" * MAILBOX_DEPTH_LIMIT))
    for name in ("x" * (MAILBOX_NAME_LIMIT + 1), "/".join("x" * (MAILBOX_DEPTH_LIMIT + 1))):
        with pytest.raises(InvalidName):
            normal_name(name)


@given(st.text(max_size=20))
def test_a_normal_name_is_its_own_normal_name(name: str) -> None:
    normal = lookup_name(name)
    if normal is not None:
        assert normal_name(normal) == normal
        assert unicodedata.is_normalized("NFC", normal)


def test_parents() -> None:
    assert parents("a/b/c") == ["a", "a/b"]
    assert parents("a") == []
