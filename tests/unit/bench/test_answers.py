"""Counting and taking apart IMAP answers whose literals hold anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from bench.clients import answers
from bench.clients.wire import Line, Unexpected
from hypothesis import given
from hypothesis import strategies as st

TAG = b"0123456789ab"


def test_a_literal_belongs_to_its_response() -> None:
    first = b"* 1 FETCH (BODY[] {8}\r\na\r\n* b\r\n UID 1)\r\n"
    second = b"* 2 FETCH (UID 2)\r\n"
    assert list(answers.responses(first + second)) == [first, second]


def test_a_literal_that_looks_like_a_literal_and_a_tagged_line() -> None:
    inside = b"{99}\r\n" + TAG + b" OK done\r\n"
    response = b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n" % (len(inside), inside)
    assert list(answers.responses(response + TAG + b" OK done\r\n")) == [response, TAG + b" OK done\r\n"]


@given(st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=5))
def test_responses_are_found_whatever_the_literals_hold(contents: list[list[bytes]]) -> None:
    made = [
        b"* 1 FETCH (" + b" X ".join(b"{%d}\r\n%s" % (len(octets), octets) for octets in literals) + b")\r\n"
        for literals in contents
    ]
    assert list(answers.responses(b"".join(made))) == made


@pytest.mark.parametrize("cut", [b"* 1 FETCH", b"* 1 FETCH (X {5}\r\nabc", b"* 1 FETCH (X {3}\r\nabc"])
def test_an_answer_that_is_cut_off_is_no_answer(cut: bytes) -> None:
    with pytest.raises(Unexpected, match="the answer ends"):
        list(answers.responses(cut))


def test_the_tagged_line_is_the_last_and_whole() -> None:
    assert answers.tagged_line(b"* 1 EXISTS\r\n" + TAG + b" OK done\r\n", TAG) == TAG + b" OK done\r\n"
    assert answers.tagged_line(TAG + b" OK done\r\n", TAG) == TAG + b" OK done\r\n"
    assert answers.tagged_line(TAG + b" OK don", TAG) is None
    assert answers.tagged_line(TAG + b" OK done\r\n* 1 EXISTS\r\n", TAG) is None
    assert answers.tagged_line(b"x" + TAG + b" OK done\r\n", TAG) is None


class _Scripted(Line):
    """A line whose server answers with these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__()
        self._pieces = list(pieces)

    def send(self, octets: bytes) -> None:
        """The command's tag goes into the answer."""
        tag = octets.split()[0]
        self._pieces = [piece.replace(b"TAG", tag) for piece in self._pieces]

    async def block(self) -> bytes:
        """The next piece."""
        if not self._pieces:
            raise Unexpected("the server closed the connection")
        return self._pieces.pop(0)


MESSAGE = b"* 1 FETCH (BODY[] {6}\r\nTA OK\n)\r\n"


async def test_octets_before_the_tagged_line_are_counted_in_any_pieces() -> None:
    whole = MESSAGE * 300
    for size in (1, 7, 4095, 4096, 4097, 100_000):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        found = await answers.counted(_Scripted(*pieces, b"TAG ", b"OK done\r", b"\n"), b"FETCH 1:* (BODY[])")
        assert found.octets == len(whole)


async def test_a_parsed_answer_is_its_untagged_responses() -> None:
    line = _Scripted(MESSAGE[:25], MESSAGE[25:] + MESSAGE, b"TAG OK done\r\n")
    assert await answers.parsed(line, b"FETCH 1:* (BODY[])") == [MESSAGE, MESSAGE]


@pytest.mark.parametrize("run", [answers.counted, answers.parsed])
@pytest.mark.parametrize(
    "refusal", [b"TAG NO not now\r\n", b"TAG BAD what\r\n", b"* 1 EXISTS\r\nTAG NO x\r\n"]
)
async def test_a_refusal_is_no_figure(
    run: Callable[[Line, bytes], Awaitable[object]], refusal: bytes
) -> None:
    with pytest.raises(Unexpected, match=r"NO|BAD"):
        await run(_Scripted(refusal), b"FETCH 1:* (FLAGS)")


async def test_a_connection_that_ends_within_the_answer_is_no_figure() -> None:
    with pytest.raises(Unexpected, match="closed"):
        await answers.counted(_Scripted(MESSAGE), b"FETCH 1:* (BODY[])")
