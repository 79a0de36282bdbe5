"""FETCH responses from ready octets (RFC 9051 section 7.5.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap import render
from mailkeep.imap.commands.fetch import Partial
from mailkeep.imap.response_decoder import decode
from mailkeep.imap.responses import FetchData

partials = st.one_of(st.none(), st.builds(Partial, st.integers(0, 60), st.integers(1, 60)))


def test_a_response_is_its_items_joined() -> None:
    assert render.fetch(12, [b"UID 5", b"FLAGS (\\Seen)"]) == b"* 12 FETCH (UID 5 FLAGS (\\Seen))\r\n"


def test_a_section_is_a_literal_and_a_missing_one_nil_rfc9051_6_4_5() -> None:
    assert render.section(b"BODY[1]", b"a\r\n") == b"BODY[1] {3}\r\na\r\n"
    assert render.section(b"BODY[]", b"") == b"BODY[] {0}\r\n"
    assert render.section(b"BODY[9]", None) == b"BODY[9] NIL"


def test_a_nul_octet_makes_a_literal8_rfc9051_4_3_3() -> None:
    assert render.binary(b"BINARY[1]", b"a\0") == b"BINARY[1] ~{2}\r\na\0"
    assert render.binary(b"BINARY[1]", b"ab") == b"BINARY[1] {2}\r\nab"
    assert render.binary(b"BINARY[1]", None) == b"BINARY[1] NIL"


def test_a_partial_beyond_the_end_is_cut_or_empty_rfc9051_6_4_5() -> None:
    assert render.cut(b"abcdef", None) == b"abcdef"
    assert render.cut(b"abcdef", Partial(2, 3)) == b"cde"
    assert render.cut(b"abcdef", Partial(4, 100)) == b"ef"
    assert render.cut(b"abcdef", Partial(6, 1)) == b""
    assert render.cut(b"abcdef", Partial(1 << 62, 1 << 62)) == b""


@given(st.binary(max_size=50), partials)
def test_a_window_is_the_same_cut_for_what_is_read_in_pieces(octets: bytes, partial: Partial | None) -> None:
    offset, length = render.window(len(octets), partial)
    assert octets[offset : offset + length] == render.cut(octets, partial)
    assert 0 <= offset <= offset + length <= len(octets)


def test_a_streamed_response_is_the_same_octets() -> None:
    start = render.fetch_start(3, [b"UID 7", render.literal_start(b"BODY[]", 5)])
    whole = render.fetch(3, [b"UID 7", render.section(b"BODY[]", b"a) b\0")])
    assert start + b"a) b\0" + render.FETCH_END == whole
    assert decode(whole) == FetchData(3, ((b"UID", b"7"), (b"BODY[]", b"{5}\r\na) b\0")))
