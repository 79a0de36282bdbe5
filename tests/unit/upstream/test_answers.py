"""FETCH answers read from the wire in one go: in imaplib's pieces however they come, and bounded."""

from __future__ import annotations

import imaplib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.imap_answers import Imap, Wire

from mailkeep.upstream import answers
from mailkeep.upstream.answers import AnswerReader
from mailkeep.upstream.errors import UpstreamCode, UpstreamError


def fetched(octets: bytes, sizes: list[int] | None = None) -> tuple[Imap, list[Any]]:
    imap = Imap(octets, sizes)
    return imap, imap.file.fetch(imap, "1:2", "(BODY.PEEK[])")


ANSWER = (
    b"* 1 FETCH (UID 7 BODY[] {8}\r\na\r\n{3}\r\n)\r\n* VANISHED (EARLIER) 3:4\r\n* 9 EXISTS\r\n"
    b"* 2 fetch (UID 8 BODY[] {0}\r\n X {1}\r\nc)\r\n* OK [NOMODSEQ] so\r\nt OK done\r\n"
)
ROWS = [
    (b"1 (UID 7 BODY[] {8}", b"a\r\n{3}\r\n"),
    b")",
    (b"2 (UID 8 BODY[] {0}", b""),
    (b" X {1}", b"c"),
    b")",
]


@given(st.lists(st.integers(1, 40)))
def test_an_answer_is_the_same_however_it_is_cut(sizes: list[int]) -> None:
    imap, rows = fetched(ANSWER, sizes)
    assert rows == ROWS
    assert imap.untagged == [("VANISHED", b"(EARLIER) 3:4"), ("EXISTS", b"9"), ("OK", b"[NOMODSEQ] so")]
    assert imap.sent == b"t UID FETCH 1:2 (BODY.PEEK[])\r\n"
    assert imap.tagged_commands == {}


@given(st.binary(max_size=300), st.lists(st.integers(1, 40)), st.lists(st.integers(0, 50), max_size=9))
def test_imaplib_reads_through_it_as_from_a_file(octets: bytes, cuts: list[int], sizes: list[int]) -> None:
    reader, file = AnswerReader(Wire(octets, cuts)), io.BytesIO(octets)
    for size in sizes:
        assert reader.readline(size + 1) == file.readline(size + 1)
        assert reader.read(size) == file.read(size)
    assert reader.readline() == file.readline()


def test_what_follows_the_answer_is_kept_for_imaplib() -> None:
    imap, _ = fetched(b"t OK done\r\n* 4 EXISTS\r\n")
    assert imap.file.peek() == b"* 4 EXISTS\r\n"
    assert imap.file.readline() == b"* 4 EXISTS\r\n"
    assert imap.file.peek() == b""


@pytest.mark.parametrize("refusal", [b"t NO [SERVERBUG] not\x07 now\r\n", b"t BAD [SERVERBUG] not now\r\n"])
def test_a_refusal_is_told_in_the_servers_words(refusal: bytes) -> None:
    with pytest.raises(UpstreamError, match=r"refused FETCH: \[SERVERBUG\] not +now\.") as caught:
        fetched(b"* 1 FETCH (UID 7)\r\n" + refusal)
    assert caught.value.code is UpstreamCode.REFUSED


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"* 1 FETCH (UI",
        b"* 1 FETCH (BODY[] {5}\r\nab",
        b"* BYE shutting down\r\n",
        b"* 1 FETCH (UID 7)\r\n",
    ],
)
def test_an_end_in_the_middle_is_an_end_of_the_connection(octets: bytes) -> None:
    with pytest.raises(imaplib.IMAP4.abort):
        fetched(octets)


@pytest.mark.parametrize(
    "octets", [b"nonsense\r\n", b"+ go on\r\n", b"* \xff\r\n", b"* LIST () NIL {3}\r\nabc\r\n"]
)
def test_what_is_no_answer_ends_the_sync(octets: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        fetched(octets)
    assert caught.value.code is UpstreamCode.PROTOCOL


@pytest.mark.parametrize(
    "octets",
    [
        b"* 1 FETCH (BODY[] {999999999999999999}\r\n",
        b"* 1 FETCH (BODY[] {400}\r\n" + b"x" * 400 + b" X[] {400}\r\n" + b"x" * 400 + b")\r\nt OK\r\n",
        b"* 1 FETCH (FLAGS ())\r\n" * 50 + b"t OK done\r\n",
        b"* " + b"x" * 600 + b"\r\nt OK done\r\n",
    ],
)
def test_a_server_that_sends_too_much_is_left(octets: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWER_LIMIT", 600)
    with pytest.raises(UpstreamError, match="more than it was asked for") as caught:
        fetched(octets)
    assert caught.value.code is UpstreamCode.PROTOCOL


def test_a_line_without_an_end_is_not_held() -> None:
    with pytest.raises(UpstreamError, match="a line without an end"):
        fetched(b"*" * (answers.LINE_LIMIT + 1))
