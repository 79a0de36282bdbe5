"""DATA as octets: RFC 5321 sections 4.1.1.4 and 4.5.2, and what smugglers send instead."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.data import DataReader, Defect, stuff

BIG = 1 << 30


def read(
    octets: bytes, *, max_size: int = BIG, max_line: int = BIG, split: int = 0
) -> tuple[bytes, DataReader]:
    """Feed everything, in pieces of `split` octets (0: at once), up to the end of the message."""
    reader = DataReader(max_size, max_line)
    pieces = [octets[at : at + split] for at in range(0, len(octets), split)] if split else [octets]
    message = b""
    rest = b""
    for piece in pieces:
        if reader.finished:
            rest += piece
        else:
            message += reader.feed(piece)
    reader.trailing += rest
    return message, reader


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),  # section 4.5.2: a first period with others after it is deleted
        (b"a\r\n...\r\n.\r\n", b"a\r\n..\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\r\n\r\n..\r\n..\r\n.\r\n", b"a\r\n\r\n.\r\n.\r\n"),
    ],
)
@pytest.mark.parametrize("split", [0, 1, 2, 3])
def test_the_end_and_the_stuffing(wire: bytes, message: bytes, split: int) -> None:
    got, reader = read(wire, split=split)
    assert got == message
    assert reader.finished
    assert reader.size == len(message)
    assert reader.defects is Defect.NONE


@pytest.mark.parametrize("split", [0, 1, 7])
def test_what_follows_the_end_is_left_for_the_next_command(split: int) -> None:
    message, reader = read(b"a\r\n.\r\nMAIL FROM:<>\r\n.\r\n", split=split)
    assert message == b"a\r\n"
    assert reader.trailing == b"MAIL FROM:<>\r\n.\r\n"


LINE_ENDS = [b"\r\n", b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\n", b"\0\r\n"]


@pytest.mark.parametrize("before", LINE_ENDS)
@pytest.mark.parametrize("after", LINE_ENDS)
@pytest.mark.parametrize("split", [0, 1])
def test_only_crlf_dot_crlf_ends_a_message(before: bytes, after: bytes, split: int) -> None:
    """Every other combination around the dot is content, and is reported."""
    wire = b"one" + before + b"." + after + b"MAIL FROM:<smuggled@example.test>\r\n.\r\n"
    _, reader = read(wire, split=split)
    ends_early = before.endswith(b"\r\n") and after.startswith(b"\r\n")
    assert reader.finished
    assert (b"MAIL" in reader.trailing) is ends_early
    if not ends_early:
        assert reader.trailing == b""
        assert reader.defects


@pytest.mark.parametrize(
    ("wire", "defects"),
    [
        (b"a\nb\r\n.\r\n", Defect.BARE_LF),
        (b"a\rb\r\n.\r\n", Defect.BARE_CR),
        (b"a\r\r\n.\r\n", Defect.BARE_CR),
        (b"a\n\r\n.\r\n", Defect.BARE_LF),
        (b"a\r\n\r.\r\n\r\n.\r\n", Defect.BARE_CR),
        (b"a\0b\r\n.\r\n", Defect.NUL),
        (b"\0\n\r.\r\n.\r\n", Defect.NUL | Defect.BARE_LF | Defect.BARE_CR),
    ],
)
@pytest.mark.parametrize("split", [0, 1, 2, 3, 5])
def test_what_may_not_stand_in_a_message_is_reported(wire: bytes, defects: Defect, split: int) -> None:
    assert read(wire, split=split)[1].defects == defects


@pytest.mark.parametrize("split", [0, 1, 4])
def test_the_size_limit_is_of_the_message_not_of_the_wire(split: int) -> None:
    wire = b"..\r\n" * 10 + b".\r\n"  # 30 octets of message
    assert read(wire, max_size=30, split=split)[1].defects is Defect.NONE
    assert read(wire, max_size=29, split=split)[1].defects == Defect.TOO_LARGE


def test_past_the_limit_nothing_is_given_back_and_nothing_held() -> None:
    reader = DataReader(max_size=1000)
    given_back = sum(len(reader.feed(b"x" * 98 + b"\r\n")) for _ in range(10_000))
    assert given_back <= 1000
    assert reader.size == 10_000 * 100 - 2  # the last CRLF is not decided yet
    reader.feed(b".\r\nQUIT\r\n")
    assert reader.finished
    assert reader.trailing == b"QUIT\r\n"
    assert reader.defects == Defect.TOO_LARGE


@pytest.mark.parametrize("split", [0, 1, 3, 64])
@pytest.mark.parametrize(("length", "defects"), [(98, Defect.NONE), (99, Defect.LINE_TOO_LONG)])
def test_the_line_limit_counts_the_crlf(length: int, defects: Defect, split: int) -> None:
    wire = b"a\r\n" + b"x" * length + b"\r\nb\r\n.\r\n"
    assert read(wire, max_line=100, split=split)[1].defects == defects


def test_feeding_after_the_end_is_the_callers_mistake() -> None:
    reader = DataReader(100)
    reader.feed(b".\r\n")
    with pytest.raises(ValueError, match="ended"):
        reader.feed(b"more")


TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"\0", b"a", b"bc", b"\r\n.\r\n"]), max_size=40
)


@given(TRICKY, st.data())
def test_any_split_gives_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(pieces) + b"\r\n.\r\n"
    whole, expected = read(wire, max_size=20, max_line=10)
    reader = DataReader(20, 10)
    got, at = b"", 0
    while not reader.finished:
        step = data.draw(st.integers(1, 6))
        got += reader.feed(wire[at : at + step])
        at += step
    assert reader.trailing + wire[at:] == expected.trailing
    assert reader.defects == expected.defects
    assert reader.size == expected.size
    if Defect.TOO_LARGE not in reader.defects:
        assert got == whole


@given(
    st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b".").replace(b"\n", b".")), max_size=10)
)
def test_stuffing_and_unstuffing_are_inverse(lines: list[bytes]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    got, reader = read(stuff(message) + b"NOOP\r\n")
    assert got == message
    assert reader.trailing == b"NOOP\r\n"
    assert not reader.defects & (Defect.BARE_CR | Defect.BARE_LF)


def test_a_last_line_without_its_end_gets_one() -> None:
    assert stuff(b".a") == b"..a\r\n.\r\n"
    assert stuff(b"") == b".\r\n"


def test_every_short_combination_of_cr_lf_and_dots() -> None:
    """Of all octets between two words there is one that ends the message, whole or octet by octet."""
    for length in range(7):
        for octets in itertools.product(b"\r\n.x", repeat=length):
            wire = b"a" + bytes(octets) + b"NOOP\r\n.\r\n"
            end = wire.index(b"\r\n.\r\n") + 5
            bare = wire[: end - 3].replace(b"\r\n", b"")
            for pieces in ([wire], [wire[at : at + 1] for at in range(len(wire))]):
                reader = DataReader(1000)
                for piece in pieces:
                    if reader.finished:
                        break
                    reader.feed(piece)
                assert reader.finished
                assert bool(reader.defects & Defect.BARE_CR) is (b"\r" in bare), wire
                assert bool(reader.defects & Defect.BARE_LF) is (b"\n" in bare), wire
                if len(pieces) == 1:
                    assert reader.trailing == wire[end:], wire
