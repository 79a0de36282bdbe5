"""Properties that hold for every input whatever: nothing raises, nothing is lost, offsets stay in bounds."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.errors import StoreCorrupt
from mailkeep.mime import addresses, dates, encoded_words, headers, params, parts, text, transfer
from mailkeep.mime.parts import Part
from mailkeep.mime.prepare import prepare, prepare_swiftly
from mailkeep.mime.scan import DEPTH_LIMIT, PART_LIMIT, Kind, scan
from mailkeep.mime.subject import base_subject
from mailkeep.model.message import HEADER_KEPT, PREVIEW_LIMIT, PreparedMessage

# Pieces that mail is made of, and what breaks it: joined at random they reach the scanner's corners.
LINE_ENDS = [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n"]
OCTETS = [
    b" ",
    b"\t",
    b"(",
    b")",
    b'"',
    b"\\",
    b"<",
    b">",
    b"@",
    b",",
    b":",
    b";",
    b"=",
    b"\0",
    b"\xff\xfe",
    b"\xc3\xa9",
]
DELIMITERS = [b"--", b"--b", b"\r\n--b\r\n", b"\n--b--\n", b"\r\n--bb\r\n", b"\r\n--bb--\r\n", b"--b  \r\n"]
FIELDS = [
    b"Subject: ",
    b"Subject: =?utf-8?q?=C3=A9?=\r\n",
    b"To: a@b, c@d\r\n",
    b"From: (comment) x <@r:y@z>\r\n",
    b"Cc: group:a@b;\r\n",
    b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n",
    b"References: <a@b> <c@d> x\r\n",
    b"Message-ID: <i@d>\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b'Content-Type: multipart/digest; boundary="bb"\r\n',
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/html; charset=x\r\n\r\n<b>x</b>",
    b"Content-Type: text/plain; charset*0*=utf-8'';charset*1=x\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9=\r\n",
    b"Content-Disposition: attachment\r\n",
    b"Content-Language: en, de\r\n",
    b"word",
]
PIECES = st.sampled_from(LINE_ENDS + OCTETS + DELIMITERS + FIELDS)
MAILISH = st.lists(PIECES, max_size=40).map(b"".join)
ANYTHING = st.one_of(st.binary(max_size=400), MAILISH)


def check(octets: bytes) -> PreparedMessage:
    """Every promise of `prepare` at once."""
    prepared = prepare(octets)
    assert isinstance(prepared.content, bytes)
    assert prepared.header + prepared.content == octets
    assert len(prepared.header) <= HEADER_KEPT
    assert prepared.size == len(octets)
    for rendered in (prepared.envelope, prepared.body, prepared.body_structure):
        assert b"\0" not in rendered
        assert_balanced(rendered)
    for shown in (*_texts(prepared), *prepared.summary.references):
        assert "\0" not in shown
        shown.encode("utf-8")  # raises for a lone surrogate
    assert len(prepared.summary.preview) <= PREVIEW_LIMIT
    assert_within(prepared.parts, len(octets))
    assert prepare_swiftly(octets) in (prepared, None)
    return prepared


def _texts(prepared: PreparedMessage) -> tuple[str, ...]:
    found = prepared.summary
    return (
        found.subject,
        found.base_subject,
        found.from_address,
        found.from_name,
        found.message_id,
        found.preview,
    )


def assert_balanced(rendered: bytes) -> None:
    """IMAP grammar, coarsely: strings end, literals have their length, parentheses match."""
    depth = at = 0
    token = re.compile(rb'"(?:[^"\\\r\n\x80-\xff]|\\["\\])*"|\{(\d+)\}\r\n|[()]| |NIL|\d+')
    while at < len(rendered):
        match = token.match(rendered, at)
        assert match, rendered[at : at + 40]
        at = match.end()
        if match.group(1) is not None:
            at += int(match.group(1))
        depth += (match.group() == b"(") - (match.group() == b")")
        assert depth > 0 or at == len(rendered)
    assert depth == 0
    assert at == len(rendered)


def assert_within(packed: bytes, size: int) -> None:
    """Children lie within their parents, one after the other."""
    index = parts.unpack(packed)
    assert (index.root.header_start, index.root.body_end) == (0, size)
    waiting: list[Part] = [index.root]
    while waiting:
        part = waiting.pop()
        assert part.header_start <= part.body_start <= part.body_end
        assert (part.kind is Kind.LEAF) is not bool(part.children)
        at = part.body_start
        for child in part.children:
            assert at <= child.header_start
            at = child.body_end
        assert at <= part.body_end
        waiting.extend(part.children)


@given(ANYTHING)
@example(b"")
@example(b"\n")
@example(b"\r\n\r\n")
@example(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b")
@example(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b\r\nContent-Type: x\r\n\r\n--b--")
@example(b"Content-Type: message/rfc822\r\n\r\n")
def test_any_octets_are_prepared(octets: bytes) -> None:
    check(octets)


@given(MAILISH)
def test_the_kind_of_buffer_makes_no_difference(octets: bytes) -> None:
    expected = prepare(octets)
    assert prepare(memoryview(octets)) == expected
    assert prepare(bytearray(octets)) == expected


@given(MAILISH)
def test_limits_of_the_tree_hold(octets: bytes) -> None:
    entities = scan(octets)
    assert len(entities) <= PART_LIMIT
    assert max(entity.depth for entity in entities) <= DEPTH_LIMIT + 1
    assert all(entity.parent < at for at, entity in enumerate(entities))


@given(ANYTHING)
def test_fields_joined_are_the_header_without_its_blank_line(octets: bytes) -> None:
    header = prepare(octets).header
    joined = b"".join(raw for _, raw in headers.fields(header))
    assert header.startswith(joined)
    assert header[len(joined) :] in (b"", b"\r\n", b"\n", b"\r")


@given(ANYTHING, st.sets(st.sampled_from([b"subject", b"to", b"x"])))
def test_only_and_not_share_the_fields_between_them(octets: bytes, names: set[bytes]) -> None:
    header = prepare(octets).header
    only, rest = headers.select(header, names, "only"), headers.select(header, names, "not")
    total = sum(len(raw) for _, raw in headers.fields(header))
    assert total + 4 <= len(only) + len(rest) <= total + 8  # a blank line each, a line end that was missing


@given(ANYTHING)
def test_values_are_read_whatever_they_hold(octets: bytes) -> None:
    addresses.parse(octets)
    params.parse(octets)
    dates.parse(octets)
    encoded_words.decode(octets).encode("utf-8", "surrogatepass")
    base_subject(octets.decode("latin-1"))
    text.html_to_text(octets.decode("latin-1"))


@given(ANYTHING)
def test_searchable_text_is_storable(octets: bytes) -> None:
    found = text.text_of(octets, parts.unpack(prepare(octets).parts))
    assert "\0" not in found
    found.encode("utf-8")


ENCODINGS = st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit", "nonsense"])
ENCODED = st.one_of(ANYTHING, st.text("aZ9+/= \t\r\n.", max_size=80).map(str.encode))


@given(ENCODED, ENCODINGS, st.integers(1, 20))
def test_decoding_in_pieces_gives_what_decoding_at_once_gives(
    octets: bytes, encoding: str, chunk: int
) -> None:
    chunks = transfer.decoded_chunks(octets, 0, len(octets), encoding, chunk)
    assert b"".join(chunks) == transfer.decode(octets, encoding)


@given(st.binary(max_size=200))
def test_octets_that_are_no_part_index_are_refused(packed: bytes) -> None:
    try:
        parts.unpack(packed)
    except StoreCorrupt:
        return
    assert packed[:1] in (b"\x01", b"\x02")


@given(MAILISH, st.data())
def test_a_cut_part_index_is_refused(octets: bytes, data: st.DataObject) -> None:
    packed = prepare(octets).parts
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(StoreCorrupt):
        parts.unpack(packed[:cut])
