"""Preparing whole messages: nothing is lost, whatever they are, wherever they lie."""

from __future__ import annotations

import email
import email.policy
import mmap
from email.message import Message
from pathlib import Path

import pytest
import test.test_email
from tests.fuzz.test_mime import check

from mailkeep.mime import parts
from mailkeep.mime.prepare import prepare
from mailkeep.model.message import HEADER_KEPT, SpooledContent

CORPUS = sorted(path for path in (Path(test.test_email.__file__).parent / "data").iterdir() if path.is_file())
MESSAGE = b"Subject: x\r\n\r\nbody\r\n"

# Where the standard library sees something else, and why:
DIFFERENT = {
    "msg_15.txt": "a boundary used within itself: it gives up on the outer one",
    "msg_16.txt": "it takes message/delivery-status apart, which IMAP does not",
    "msg_17.txt": "a multipart without delimiters gets an empty part here",
    "msg_19.txt": "it ends a header at the first line that is no field, RFC 5322 at the blank line",
    "msg_25.txt": "a multipart without boundary is text here",
    "msg_31.txt": "a multipart without delimiters gets an empty part here",
    "msg_35.txt": "it ends a header at the first line that is no field",
    "msg_36.txt": "it takes message/external-body apart",
    "msg_37.txt": "it joins adjacent delimiters",
    "msg_38.txt": "outer delimiters within inner parts: RFC 2046 section 5.1.2 ends them",
    "msg_39.txt": "a boundary used within itself",
    "msg_41.txt": "a multipart without boundary is text here",
    "msg_42.txt": "a multipart without delimiters gets an empty part here",
    "msg_43.txt": "it takes message/delivery-status apart",
    "msg_47.txt": "it ends a header at the first line that is no field",
}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r"])
def test_the_corpus_of_the_standard_library(path: Path, eol: bytes) -> None:
    octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", eol)
    check(octets)
    check(path.read_bytes())


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "path", [path for path in CORPUS if path.name.startswith("msg_")], ids=lambda p: p.name
)
def test_parts_are_those_that_the_standard_library_finds(path: Path, eol: bytes) -> None:
    octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", eol)
    index = parts.unpack(prepare(octets).parts)
    ours = [(part.media_type, None if part.children else _text(octets, part)) for part in index.walk()]
    theirs = [
        (found.get_content_type(), _payload(found)) for found in email.message_from_bytes(octets).walk()
    ]
    assert (ours == theirs) is (path.name not in DIFFERENT)


def _text(octets: bytes, part: parts.Part) -> str:
    return octets[part.body_start : part.body_end].decode("ascii", "surrogateescape")


def _payload(message: Message) -> str | None:
    return None if message.is_multipart() else message.get_payload()


def test_header_and_content_are_the_message() -> None:
    prepared = prepare(MESSAGE)
    assert (prepared.header, prepared.content, prepared.size) == (b"Subject: x\r\n\r\n", b"body\r\n", 20)


def test_a_header_past_what_is_kept_goes_on_in_the_content() -> None:
    message = b"X: " + b"y" * HEADER_KEPT * 2 + b"\r\nSubject: late\r\n\r\nbody"
    prepared = check(message)
    assert len(prepared.header) == HEADER_KEPT
    assert prepared.summary.subject == "late"
    assert parts.unpack(prepared.parts).root.size == 4


def test_spooled_content_is_named_and_not_read(tmp_path: Path) -> None:
    spooled = tmp_path / "spool"
    spooled.write_bytes(b"other" + MESSAGE)
    spool = SpooledContent(str(spooled), 5, len(MESSAGE))
    with spooled.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)[5:]
        prepared = prepare(view, spool)
        view.release()
    assert prepared.content == SpooledContent(str(spooled), 5 + 14, 6)
    assert prepared.header == b"Subject: x\r\n\r\n"
    assert prepared.size == 20


def test_a_header_before_the_spooled_octets() -> None:
    trace = b"Received: from x\r\n"
    prepared = prepare(trace + MESSAGE, SpooledContent("spool", 0, len(MESSAGE)))
    assert prepared.header == trace + b"Subject: x\r\n\r\n"
    assert prepared.content == SpooledContent("spool", 14, 6)


def test_a_spool_that_does_not_hold_the_content_is_not_used() -> None:
    assert prepare(MESSAGE, SpooledContent("spool", 0, 3)).content == b"body\r\n"


def test_20_000_open_parentheses() -> None:
    prepared = check(b"To: " + b"(" * 20_000 + b"\r\nSubject: x\r\n\r\nbody")
    assert prepared.envelope == b'(NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)'


@pytest.mark.parametrize("depth", [1, 99, 100, 101, 1500])
def test_deep_nesting(depth: int) -> None:
    levels = (
        b"Content-Type: multipart/mixed; boundary=b%d.\r\n\r\n--b%d.\r\n" % (n, n) for n in range(depth)
    )
    check(b"".join(levels) + b"\r\ndeep")
    check(b"Content-Type: message/rfc822\r\n\r\n" * depth + b"x")


def test_what_a_row_keeps_is_bounded() -> None:
    long = b"x" * 200_000
    prepared = check(
        b"Subject: %b\r\nDate: %b\r\nFrom: %b\r\n\r\n" % (long[:80_000], long[:80_000], long[:80_000])
    )
    assert len(prepared.envelope) < 100_000
