"""Section numbers and the packed index: RFC 9051 section 6.4.5.1."""

from __future__ import annotations

import pytest

from mailkeep.errors import StoreCorrupt
from mailkeep.mime import parts
from mailkeep.mime.parts import Part, PartIndex
from mailkeep.mime.scan import Kind, scan

TEXT = b"\r\nContent of %b.\r\n"


def part(boundary: bytes, name: bytes, media_type: bytes = b"text/plain") -> bytes:
    return b"--%b\r\nContent-Type: %b\r\n" % (boundary, media_type) + TEXT % name


def multipart(boundary: bytes, content: bytes, subtype: bytes = b"mixed") -> bytes:
    head = b"Content-Type: multipart/%b; boundary=%b\r\n\r\n" % (subtype, boundary)
    return head + content + b"--%b--\r\n" % boundary


# The example of the standard: HEADER, TEXT, 1, 2, 3 (message: 3.1, 3.2), 4 (multipart: 4.1 image, 4.2 message
# whose parts are 4.2.1 and 4.2.2, a multipart with 4.2.2.1 and 4.2.2.2).
_THREE = b"Subject: three\r\n" + multipart(
    b"t", part(b"t", b"3.1") + part(b"t", b"3.2", b"application/octet-stream")
)
_FOUR_TWO_TWO = multipart(
    b"w", part(b"w", b"4.2.2.1") + part(b"w", b"4.2.2.2", b"text/richtext"), b"alternative"
)
_FOUR_TWO = b"Subject: four two\r\n" + multipart(b"v", part(b"v", b"4.2.1") + b"--v\r\n" + _FOUR_TWO_TWO)
_FOUR = multipart(
    b"u",
    part(b"u", b"4.1", b"image/gif") + b"--u\r\nContent-Type: message/rfc822\r\n\r\n" + _FOUR_TWO,
)
MESSAGE = b"Subject: all\r\n" + multipart(
    b"s",
    part(b"s", b"1")
    + part(b"s", b"2", b"application/octet-stream")
    + b"--s\r\nContent-Type: message/rfc822\r\n\r\n"
    + _THREE
    + b"--s\r\n"
    + _FOUR,
)


def index_of(message: bytes) -> PartIndex:
    return parts.unpack(parts.pack(scan(message)))


def found(message: bytes, *section: int) -> Part:
    part = index_of(message).find(section)
    assert part is not None
    return part


def header_of(message: bytes, part: Part) -> bytes:
    return message[part.header_start : part.body_start]


def body_of(message: bytes, part: Part) -> bytes:
    return message[part.body_start : part.body_end]


@pytest.mark.parametrize(
    ("section", "media_type"),
    [
        ((), "multipart/mixed"),
        ((1,), "text/plain"),
        ((2,), "application/octet-stream"),
        ((3,), "message/rfc822"),
        ((3, 1), "text/plain"),
        ((3, 2), "application/octet-stream"),
        ((4,), "multipart/mixed"),
        ((4, 1), "image/gif"),
        ((4, 2), "message/rfc822"),
        ((4, 2, 1), "text/plain"),
        ((4, 2, 2), "multipart/alternative"),
        ((4, 2, 2, 1), "text/plain"),
        ((4, 2, 2, 2), "text/richtext"),
    ],
)
def test_sections_of_the_standards_example(section: tuple[int, ...], media_type: str) -> None:
    part = found(MESSAGE, *section)
    assert part.media_type == media_type
    if part.kind is Kind.LEAF:
        assert body_of(MESSAGE, part) == b"Content of %b." % ".".join(map(str, section)).encode()


@pytest.mark.parametrize("section", [(5,), (0,), (1, 1), (2, 1), (3, 3), (4, 2, 2, 3), (4, 1, 1), (1, 1, 1)])
def test_sections_that_are_not_there(section: tuple[int, ...]) -> None:
    assert index_of(MESSAGE).find(section) is None


def test_header_and_text_of_an_embedded_message() -> None:
    # 3.HEADER and 3.TEXT are the embedded message's, 3.MIME is the part's own header.
    outer = found(MESSAGE, 3)
    assert header_of(MESSAGE, outer) == b"Content-Type: message/rfc822\r\n\r\n"
    assert outer.embedded is not None
    assert header_of(MESSAGE, outer.embedded).startswith(b"Subject: three\r\n")
    assert (
        body_of(MESSAGE, outer.embedded) == body_of(MESSAGE, outer)[len(header_of(MESSAGE, outer.embedded)) :]
    )


def test_part_1_of_a_message_that_is_not_multipart_is_its_body() -> None:
    message = b"Subject: x\r\n\r\nbody\r\n"
    assert body_of(message, found(message, 1)) == b"body\r\n"
    assert index_of(message).find((2,)) is None
    assert index_of(message).find((1, 1)) is None


def test_part_1_of_an_embedded_message_that_is_not_multipart() -> None:
    message = multipart(b"b", b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nhello\r\n")
    assert body_of(message, found(message, 1)) == b"Subject: in\r\n\r\nhello"
    assert body_of(message, found(message, 1, 1)) == b"hello"
    assert index_of(message).find((1, 2)) is None
    assert index_of(message).find((1, 1, 1)) is None


def test_a_message_that_is_a_message() -> None:
    message = b"Content-Type: message/rfc822\r\n\r\n" + multipart(b"b", part(b"b", b"a") + part(b"b", b"b"))
    assert found(message, 1).media_type == "message/rfc822"
    assert body_of(message, found(message, 1, 2)) == b"Content of b."


def test_names_are_in_lower_case_and_lines_are_counted() -> None:
    message = (
        b"Content-Type: TEXT/Plain; CHARSET=UTF-8\r\nContent-Transfer-Encoding: BASE64 (x)\r\n\r\na\r\nb\r\n"
    )
    part = found(message)
    assert (part.media_type, part.charset, part.encoding, part.lines) == ("text/plain", "utf-8", "base64", 2)
    assert part.size == 6


def test_an_attached_part_says_so() -> None:
    message = b"Content-Disposition: Attachment ; filename=x\r\n\r\n"
    assert found(message).attached
    assert not found(b"\r\n").attached


def test_walking_goes_in_the_order_of_the_message() -> None:
    starts = [part.header_start for part in index_of(MESSAGE).walk()]
    assert starts == sorted(starts)
    assert len(starts) == 15


def test_the_index_is_compact() -> None:
    assert len(parts.pack(scan(MESSAGE))) < 15 * 64


def test_offsets_beyond_4_gib_take_the_second_version() -> None:
    entities = scan(MESSAGE)
    entities[0].body_end = 1 << 40
    packed = parts.pack(entities)
    assert packed[0] == 2
    assert parts.unpack(packed).root.body_end == 1 << 40


@pytest.mark.parametrize(
    "packed", [b"", b"\x01", b"\x03\x01\0\0\0", b"\x01\0\0\0\0", b"\x01\xff\xff\xff\xff", b"nonsense"]
)
def test_what_is_no_index_is_corrupt(packed: bytes) -> None:
    with pytest.raises(StoreCorrupt):
        parts.unpack(packed)


def test_an_index_with_octets_after_it_is_corrupt() -> None:
    with pytest.raises(StoreCorrupt):
        parts.unpack(parts.pack(scan(MESSAGE)) + b"\0")
