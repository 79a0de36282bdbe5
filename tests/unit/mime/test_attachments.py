"""Which parts are files, what they are called, and that their octets are where it says."""

from __future__ import annotations

import pytest

from mailkeep.mime import transfer
from mailkeep.mime.attachments import Attachment, attachments
from mailkeep.mime.scan import scan

HEAD = b'Subject: files\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'


def message(*parts: bytes) -> bytes:
    return HEAD + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def found(octets: bytes) -> list[Attachment]:
    return attachments(scan(octets))


def test_a_named_part_is_a_file_and_its_octets_decode() -> None:
    octets = message(
        b"Content-Type: text/plain\r\n\r\nHello.",
        b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=',
    )
    (file,) = found(octets)
    assert (file.number, file.file_name, file.media_type) == (2, "a.pdf", "application/pdf")
    assert transfer.decode(octets[file.start : file.end], file.encoding) == b"hello"


def test_text_is_a_file_only_if_it_says_so() -> None:
    octets = message(
        b"Content-Type: text/plain; name=a.txt\r\n\r\nshown",
        b"Content-Type: text/plain; name=b.txt\r\nContent-Disposition: attachment\r\n\r\nfile",
    )
    assert [file.file_name for file in found(octets)] == ["b.txt"]


def test_an_inline_image_is_shown_and_not_a_file() -> None:
    part = b"Content-Type: image/png; name=i.png\r\nContent-Disposition: inline\r\n\r\n."
    assert found(message(part)) == []


def test_an_embedded_message_may_be_a_file_and_what_it_holds_is_not() -> None:
    inner = b'Content-Type: application/pdf; name="inner.pdf"\r\n\r\n.'
    part = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=m.eml\r\n\r\n"
    assert [file.file_name for file in found(message(part + inner))] == ["m.eml"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\temp\\\\x.doc"', "x.doc"),
        (b'filename="a\x07b\x7f.txt"', "ab.txt"),
        (b"filename*=UTF-8''%E2%82%AC%20rates.csv", "€ rates.csv"),
        (b"filename*0*=UTF-8''%C3%A4; filename*1=b.txt", "äb.txt"),  # RFC 2231 section 4.1
        (b'filename="=?utf-8?q?=C3=B6.txt?="', "ö.txt"),  # what senders write in its place
        (b'filename=".."', ""),
        (b"", ""),
    ],
)
def test_file_names_are_decoded_and_safe(written: bytes, name: str) -> None:
    part = b"Content-Type: application/x-y\r\nContent-Disposition: attachment; " + written + b"\r\n\r\n."
    assert [file.file_name for file in found(message(part))] == [name]


def test_a_file_name_has_a_limit() -> None:
    part = b"Content-Type: a/b\r\nContent-Disposition: attachment; filename=" + b"x" * 5000 + b"\r\n\r\n."
    assert len(found(message(part))[0].file_name) == 255
