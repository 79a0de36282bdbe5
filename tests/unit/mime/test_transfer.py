"""Content transfer encodings: RFC 2045 section 6, intact and damaged."""

from __future__ import annotations

import base64
import binascii
import quopri
import random

import pytest

from mailkeep.mime import transfer


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"", b""),
        (b"TWFu", b"Man"),
        (b"TWE=", b"Ma"),
        (b"TQ==", b"M"),
        (b"TW\r\nFu\r\n", b"Man"),
        (b"  T W!F\xffu", b"Man"),  # section 6.8: other characters are ignored
        (b"TWE", b"Ma"),
        (b"TQ", b"M"),
        (b"TWFuT", b"Man"),
        (b"T", b""),
        (b"=", b""),
        (b"====", b""),
        (b"TWE=TWE=", b"MaMa"),  # two of them, one after the other
        (b"TQ==\r\nTWFu\r\n", b"MMan"),
    ],
)
def test_base64(encoded: bytes, decoded: bytes) -> None:
    assert transfer.decode(encoded, "base64") == decoded


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"a=20b", b"a b"),
        (b"=C3=A9", b"\xc3\xa9"),
        (b"=c3=a9", b"\xc3\xa9"),
        (b"soft=\r\nbreak", b"softbreak"),
        (b"soft=\nbreak", b"softbreak"),
        (b"soft= \t\r\nbreak", b"softbreak"),  # section 6.7 (3): white space added on the way
        (b"line  \t\r\nnext", b"line\r\nnext"),
        (b"kept =20\r\nx", b"kept  \r\nx"),
        (b"trailing ", b"trailing"),
        (b"bad=ZZ", b"bad=ZZ"),
        (b"end=", b"end"),
        (b"100% =3D sure\r\n", b"100% = sure\r\n"),
        (b"raw\xe9", b"raw\xe9"),
    ],
)
def test_quoted_printable(encoded: bytes, decoded: bytes) -> None:
    assert transfer.decode(encoded, "quoted-printable") == decoded


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"begin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\n", b"Cat"),
        (b"some text\nbegin 644 x\n#0V%T\n \nend\nmore\n", b"Cat"),
        (b"begin 644 x\n#0V%T\n", b"Cat"),
        (b"begin 644 x\n#0V%Tz\n`\nend\n", b"Cat"),  # a checksum after the line
        (b"no file here", b"no file here"),
        (b"begin 644 x\n\xff\xff\nend\n", b""),
    ],
)
@pytest.mark.parametrize("name", ["x-uuencode", "uuencode", "X-UUE"])
def test_uuencode(name: str, encoded: bytes, decoded: bytes) -> None:
    assert transfer.decode(encoded, name) == decoded


@pytest.mark.parametrize("name", ["7bit", "8bit", "binary", "", "x-unknown", "7-bit"])
def test_the_others_change_nothing(name: str) -> None:
    assert transfer.decode(b"=41\0 \r\n", name) == b"=41\0 \r\n"


def test_names_are_read_as_senders_write_them() -> None:
    assert transfer.normal_name(b' "Quoted-Printable" (comment)') == "quoted-printable"
    assert transfer.normal_name(b"BASE64;") == "base64"
    assert transfer.normal_name(None) == "7bit"
    assert transfer.is_known("Base64")
    assert transfer.is_known("8BIT")
    assert not transfer.is_known("x-unknown")


def test_lines_that_uuencode_makes_are_read() -> None:
    content = random.Random(7).randbytes(1000)
    lines = [binascii.b2a_uu(content[at : at + 45], backtick=True) for at in range(0, 1000, 45)]
    assert transfer.decode(b"begin 600 f\n" + b"".join(lines) + b"`\nend\n", "uuencode") == content


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 64, 1000, transfer.CHUNK])
def test_pieces_of_a_range_are_what_was_encoded(chunk: int) -> None:
    content = random.Random(8).randbytes(5000)
    for name, encoded in (
        ("base64", base64.encodebytes(content)),
        ("quoted-printable", quopri.encodestring(content)),
        ("binary", content),
    ):
        octets = b"before" + encoded + b"after"
        pieces = transfer.decoded_chunks(octets, 6, 6 + len(encoded), name, chunk)
        assert b"".join(pieces) == content


def test_pieces_of_one_line_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "LINE_LIMIT", 4)
    encoded = b"a=20 b=C3=A9 \t =  \r\nx=ZZ  c= \r\n d=4" * 20
    expected = transfer.decode(encoded, "quoted-printable")
    for chunk in range(1, 60):
        pieces = transfer.decoded_chunks(encoded, 0, len(encoded), "quoted-printable", chunk)
        assert b"".join(pieces) == expected


def test_memory_stays_bounded_by_the_chunk() -> None:
    encoded = b"QUJD" * 100_000
    assert max(map(len, transfer.decoded_chunks(encoded, 0, len(encoded), "base64", 4096))) <= 4096


@pytest.mark.parametrize("name", ["base64", "quoted-printable", "x-uuencode", "8bit", "x-unknown"])
def test_pieces_that_arrive_are_what_the_whole_is(name: str) -> None:
    encoded = b"begin 644 x\r\n#0V%T\r\n`\r\nend=\r\n=41 QUJD=\r\nQQ==\xff \t \r\n" * 3
    for size in (1, 2, 7, 50, 1000):
        decoder = transfer.Decoder(name)
        pieces = [decoder.feed(encoded[at : at + size]) for at in range(0, len(encoded), size)]
        assert b"".join([*pieces, decoder.finish()]) == transfer.decode(encoded, name)
