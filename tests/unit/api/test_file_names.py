"""RFC 6266 and RFC 8187: names that every client reads, and that can break out of nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep_api import file_names

AT = datetime(2026, 3, 1, 12, 5, 9, tzinfo=UTC)
_EXTENDED = r"filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)"
_FORM = re.compile(rf'attachment; filename="([ !#-\[\]-~]+)"(?:; {_EXTENDED})?\Z')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("a b;c.txt", 'attachment; filename="a b;c.txt"'),
        ("Grüße.txt", "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"),
        ('a"b\\c.txt', "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a%22b%5Cc.txt"),
        ("100%41.txt", "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
        ("a\r\nSet-Cookie: x", 'attachment; filename="aSet-Cookie: x"'),
        ("", 'attachment; filename="file"'),
    ],
)
def test_names(name: str, value: str) -> None:
    assert file_names.attachment(name) == value


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_name_keeps_the_grammar_and_can_be_read_back(name: str) -> None:
    match = _FORM.match(file_names.attachment(name))
    assert match
    shown = "".join(char for char in name if char.isprintable()) or "file"
    assert (unquote(match[2]) if match[2] else match[1]) == shown


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Hello", "Hello_20260301.eml"),
        ("a/b\\c", "a-b-c_20260301.eml"),
        ("../../etc", "-..-etc_20260301.eml"),
        ("", "message_20260301.eml"),
        ("x" * 500, "x" * 100 + "_20260301.eml"),
    ],
)
def test_messages(subject: str, name: str) -> None:
    assert file_names.for_message(subject, AT) == name


def test_mailboxes() -> None:
    assert file_names.for_mailbox(AT) == "emails_20260301_120509.mbox"
