"""Sections by the part index: RFC 9051 section 6.4.5.1."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.commands.fetch import Section, SectionText
from mailkeep.mime import headers, parts
from mailkeep.mime.prepare import prepare
from mailkeep_imap.fetching.sections import of_header, section_octets

FIELDS = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)

names = st.sampled_from([b"From", b"Subject", b"X-A", b"X-A.B+C", b"A B"])
asked_names = st.one_of(names, st.sampled_from([b"Subject ", b"From:", b" "]))  # the last are no names
values = st.sampled_from([b": v\r\n", b" \t: v\r\n", b":\r\n", b": v\r\n folded\r\n\tmore\r\n"])
no_fields = st.sampled_from(
    [b"no field\r\n", b" leading\r\n", b"From x\r\n", b"bare: lf\n", b"odd: \rcr\r\n"]
)
lines = st.one_of(st.tuples(names, values).map(b"".join), no_fields)
numbers = st.sampled_from([(), (1,), (1, 1), (2,)])


@given(st.lists(lines, max_size=8), st.lists(asked_names, min_size=1, max_size=3, unique=True))
def test_fields_are_found_as_headers_select_finds_them(written: list[bytes], wanted: list[bytes]) -> None:
    header = prepare(b"".join(written) + b"\r\nbody\r\n").header
    asked = tuple(name.lower() for name in wanted)
    section = Section((), SectionText.HEADER_FIELDS, asked)
    assert of_header(section)(header) == headers.select(header, asked, "only")


@given(st.binary(max_size=200), numbers, st.sampled_from([None, *SectionText]))
def test_any_octets_have_sections_or_none(
    octets: bytes, part: tuple[int, ...], text: SectionText | None
) -> None:
    index = parts.unpack(prepare(octets).parts)
    found = section_octets(Section(part, text, (b"x",) if text in FIELDS else ()), index, octets)
    assert found is None or found in octets or text in FIELDS


def test_header_and_text_make_the_message() -> None:
    octets = b"A: b\r\n\r\ntext\r\n"
    index = parts.unpack(prepare(octets).parts)
    header = section_octets(Section((), SectionText.HEADER), index, octets)
    text = section_octets(Section((), SectionText.TEXT), index, octets)
    assert header is not None
    assert text is not None
    assert header + text == octets
