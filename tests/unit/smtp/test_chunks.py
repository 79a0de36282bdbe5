"""BDAT's argument and its octets: RFC 3030 section 2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.chunks import Chunk, ChunkReader, parse_chunk
from mailkeep.smtp.data import DataReader, Defect, stuff
from mailkeep.smtp.errors import ChunkSyntax


@pytest.mark.parametrize(
    ("argument", "chunk"),
    [
        ("0", Chunk(0)),
        ("0 LAST", Chunk(0, last=True)),
        ("86 LAST", Chunk(86, last=True)),
        ("100000 last", Chunk(100_000, last=True)),
        ("007\t Last", Chunk(7, last=True)),
        ("9" * 20, Chunk(99_999_999_999_999_999_999)),
    ],
)
def test_arguments(argument: str, chunk: Chunk) -> None:
    assert parse_chunk(argument) == chunk


@pytest.mark.parametrize(
    "argument",
    ["", "LAST", "x", "-1", "+1", "1.0", "0x10", "1LAST", "1 FIRST", "1 LAST LAST", "٣", "9" * 21, "1 2"],
)
def test_sizes_that_cannot_be_read(argument: str) -> None:
    with pytest.raises(ChunkSyntax):
        parse_chunk(argument)


def read(pieces: list[bytes], max_line: int = 1 << 20) -> ChunkReader:
    reader = ChunkReader(max_line)
    assert b"".join(map(reader.feed, pieces)) == b"".join(pieces)
    reader.finish()
    return reader


@pytest.mark.parametrize(
    ("octets", "defects"),
    [
        (b"", Defect.NONE),
        (b"a: b\r\n\r\nhi\r\n", Defect.NONE),
        (b"no end", Defect.NONE),
        (b"..\r\n.\r\n.x", Defect.NONE),
        (b"a\nb\r\n", Defect.BARE_LF),
        (b"\n", Defect.BARE_LF),
        (b"a\rb\r\n", Defect.BARE_CR),
        (b"a\r\r\n", Defect.BARE_CR),
        (b"a\r\n\r", Defect.BARE_CR),
        (b"a\n\rb", Defect.BARE_CR | Defect.BARE_LF),
        (b"a\r\n\n", Defect.BARE_LF),
        (b"\0", Defect.NUL),
    ],
)
@pytest.mark.parametrize("split", [1, 2, 3, 100])
def test_defects_wherever_chunks_are_cut(octets: bytes, defects: Defect, split: int) -> None:
    reader = read([octets[at : at + split] for at in range(0, len(octets), split)])
    assert reader.defects == defects
    assert reader.size == len(octets)


@pytest.mark.parametrize("split", [1, 4, 100])
def test_long_lines(split: int) -> None:
    for octets, defects in ((b"x" * 8 + b"\r\n", Defect.NONE), (b"x" * 9 + b"\r\n", Defect.LINE_TOO_LONG)):
        pieces = [octets[at : at + split] for at in range(0, len(octets), split)]
        assert read([b"y\r\n", *pieces], max_line=10).defects == defects


@given(st.lists(st.text("ab.\r\n\0").map(str.encode), max_size=8))
def test_the_same_octets_have_the_same_defects_on_data(pieces: list[bytes]) -> None:
    message = b"".join(pieces) + b"x\r\n"
    reader = DataReader(1 << 20)
    reader.feed(stuff(message))
    found = read([*pieces, b"x\r\n"]).defects
    assert found == reader.defects
