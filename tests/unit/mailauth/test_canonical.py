"""Canonical forms: RFC 6376's own examples, and dkimpy as the second opinion."""

from __future__ import annotations

import hashlib
from unittest import mock

import pytest
from dkim import canonicalization as oracle
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.mailauth import canonical
from mailkeep.mailauth.canonical import BodyForm, hash_bodies, header_field

# A last line that ends in white space and in nothing else comes from no SMTP client by DATA, and dkimpy keeps
# its space where section 3.4.4 ignores that at the end of lines.
LINES = st.lists(st.text(alphabet=" \tab.", max_size=6).map(str.encode), max_size=12).filter(
    lambda lines: not lines or not lines[-1].endswith((b" ", b"\t"))
)


@pytest.mark.parametrize(
    ("raw", "relaxed", "simple"),
    [
        (b"A: X\r\n", b"a:X\r\n", b"A: X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n", b"B : Y\t\r\n\tZ  \r\n"),
    ],
)
def test_header_fields_as_section_3_4_5_shows(raw: bytes, relaxed: bytes, simple: bytes) -> None:
    assert header_field(raw, relaxed=True) == relaxed
    assert header_field(raw, relaxed=False) == simple


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b"no end", b"no end\r\n", b"no end\r\n"),
    ],
)
def test_bodies_as_sections_3_4_3_to_3_4_5_have_them(body: bytes, relaxed: bytes, simple: bytes) -> None:
    forms = BodyForm(relaxed=True), BodyForm(relaxed=False)
    hashed = hash_bodies(body, forms)
    for form, expected in zip(forms, (relaxed, simple), strict=True):
        assert hashed[form].digest == hashlib.sha256(expected).digest()
        assert hashed[form].length == len(expected)


@given(LINES, st.booleans(), st.sampled_from([1, 2, 3, 7, 1000]))
def test_a_body_in_windows_is_hashed_as_dkimpy_has_it(lines: list[bytes], ended: bool, window: int) -> None:
    body = b"\r\n".join(lines) + (b"\r\n" if ended else b"")
    with mock.patch.object(canonical, "WINDOW", window):
        hashed = hash_bodies(body, [BodyForm(relaxed=True), BodyForm(relaxed=False)])
    for form, expected in (
        (BodyForm(relaxed=True), oracle.Relaxed.canonicalize_body(body)),
        (BodyForm(relaxed=False), oracle.Simple.canonicalize_body(body)),
    ):
        assert hashed[form].digest == hashlib.sha256(expected).digest(), (form, body)


@given(LINES, st.integers(0, 40))
def test_a_length_cuts_the_canonical_body(lines: list[bytes], length: int) -> None:
    body = b"\r\n".join(lines)
    form = BodyForm(relaxed=True, length=length)
    whole = oracle.Relaxed.canonicalize_body(body)
    hashed = hash_bodies(body, [form])[form]
    assert hashed.digest == hashlib.sha256(whole[:length]).digest()
    assert hashed.length == len(whole)


def test_octets_that_are_no_empty_lines_are_part_of_the_body() -> None:
    """Binary content (RFC 3030) may end in CR and LF on their own: nobody may add them to what was signed."""
    form = BodyForm(relaxed=False)
    for more in (b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\n\n"):
        ending = more.removesuffix(b"\r\n") + b"\r\n"
        assert hash_bodies(b"a\r\n" + more, [form])[form].digest == hashlib.sha256(b"a\r\n" + ending).digest()
