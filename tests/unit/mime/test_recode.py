"""Recoding: RFC 6152's conversion to 7 bits, and RFC 3030's of binary content to lines. What is decoded
afterwards is what was there before, and nothing else changes."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.mime import parts, transfer
from mailkeep.mime.recode import WINDOW, CannotRecode, Form, recoded
from mailkeep.mime.scan import scan


def seven_bit(octets: bytes) -> bytes:
    return b"".join(recoded(octets, Form.SEVEN_BIT))


def lines(octets: bytes) -> bytes:
    return b"".join(recoded(octets, Form.LINES))


def body_of(octets: bytes, *section: int) -> bytes:
    part = parts.unpack(parts.pack(scan(octets))).find(section)
    assert part is not None
    return transfer.decode(octets[part.body_start : part.body_end], part.encoding)


# --- 7 bits ---------------------------------------------------------------------------------------

NESTED = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\npr\xe9amble\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Gr\xc3\xbc\xc3\x9fe und einiges in ASCII \r\n.\r\nEnde\r\n"
    b'--b\r\nContent-Type: image/x; name="\xc3\xbc.x"\r\n\r\n\xff\xfe\xfd\xfc\r\n'
    b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Subject: within\r\n\r\nna\xefve and some more text\r\n"
    b"--b\r\nX: untouched\r\n\r\nASCII\r\n--b--\r\nepilogue\r\n"
)


def test_each_part_is_converted_on_its_own() -> None:
    result = seven_bit(NESTED)
    assert result == (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\npr?amble\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=C3=BC=C3=9Fe und einiges in ASCII=20\r\n=2E\r\nEnde\r\n"
        b"--b\r\nContent-Type: image/x; name*=utf-8''%C3%BC.x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"//79/A==\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        b"Subject: within\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nna=EFve and some more text\r\n"
        b"--b\r\nX: untouched\r\n\r\nASCII\r\n--b--\r\nepilogue\r\n"
    )
    for section in ((1,), (2,), (3, 1), (4,)):
        assert body_of(result, *section) == body_of(NESTED, *section)


@given(st.lists(st.binary(max_size=90).map(lambda line: line.translate(None, b"\r\n\0")), max_size=9))
def test_text_comes_back(found: list[bytes]) -> None:
    text = b"\r\n".join(found)
    octets = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text
    result = seven_bit(octets)
    assert result.isascii()
    assert body_of(result, 1) == text
    if not text.isascii():
        assert max(map(len, result.split(b"\r\n"))) <= 76
    assert b"\n" not in result.replace(b"\r\n", b"")


@pytest.mark.parametrize("size", [WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
@pytest.mark.parametrize("line", [b"a" * 20 + b"\xe9" + b"\r\n", b"\xe9" + b"a \r\n", b"abc\xe9 "])
def test_long_text_comes_back(size: int, line: bytes) -> None:
    text = (line * (size // len(line) + 1))[:size].removesuffix(b"\r")
    result = seven_bit(b"Content-Type: text/plain\r\n\r\n" + text)
    assert result.isascii()
    assert max(map(len, result.split(b"\r\n"))) <= 76
    assert body_of(result, 1) == text


def test_another_library_reads_the_same() -> None:
    made = EmailMessage(email.policy.SMTP.clone(cte_type="8bit"))
    made["Subject"] = "hi"
    made.set_content("Grüße und so weiter\r\n", cte="8bit")
    made.add_attachment("naïve text, attached\r\n", cte="8bit", filename="a.txt")
    octets = made.as_bytes()
    assert not octets.isascii()
    result = seven_bit(octets)
    assert result.isascii()
    before, after = (
        [part.get_content() for part in email.message_from_bytes(one, policy=email.policy.SMTP).iter_parts()]
        for one in (octets, result)
    )
    assert before == after


def test_what_is_seven_bit_stays_as_it_is() -> None:
    octets = NESTED.translate(None, bytes(range(128, 256))).replace(b"8bit", b"7bit")
    assert seven_bit(octets) == octets


SIGNED = (
    b"Content-Type: multipart/signed; boundary=s; protocol=a/b\r\n\r\n--s\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%b\r\n--b--\r\n\r\n--s\r\n"
    b"Content-Type: a/b\r\n\r\nsignature\r\n--s--\r\n"
)


@pytest.mark.parametrize(
    "octets",
    [
        b"Subject: \xe9\r\n\r\nhi\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: \xe9\r\n\r\nhi\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n\xff\r\n",
        b"Content-Type: message/partial; id=1\r\n\r\n\xff\r\n",
        b"Content-Type: multipart/mixed\r\n\r\n\xff\r\n",
        SIGNED % b"\xe9",
    ],
)
def test_what_cannot_be_converted(octets: bytes) -> None:
    with pytest.raises(CannotRecode):
        seven_bit(octets)


def test_signed_parts_that_need_no_conversion_stay() -> None:
    octets = SIGNED % b"ascii"
    assert seven_bit(
        octets.replace(b"\r\n\r\n--s\r\n", b"\r\n\r\npr\xe9amble\r\n--s\r\n", 1)
    ) == octets.replace(b"\r\n\r\n--s\r\n", b"\r\n\r\npr?amble\r\n--s\r\n", 1)


@given(st.binary(max_size=200))
def test_nothing_else_is_raised(octets: bytes) -> None:
    for form in Form:
        try:
            result = b"".join(
                recoded(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + octets, form)
            )
        except CannotRecode:
            continue
        assert b"\0" not in result
        assert form is Form.LINES or result.isascii()


# --- lines ----------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_binary_content_comes_back(content: bytes) -> None:
    octets = b"Content-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content
    result = lines(octets)
    assert body_of(result, 1) == content
    pairs = result.count(b"\r\n")
    assert result.count(b"\r") == result.count(b"\n") == pairs
    assert b"\0" not in result


def test_only_binary_parts_are_encoded() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: BINARY\r\n\r\n"
        b"--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe\r\n"
        b"--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\na\0\r\n--b--\r\n"
    )
    assert lines(octets) == (
        b"Content-Type: multipart/mixed; boundary=b\r\n"
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        b"--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe\r\n"
        b"--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQA=\r\n\r\n--b--\r\n"
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"Subject: a\nb\r\n\r\nhi\r\n",
        b"Subject: \0\r\n\r\nhi\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\npre\ramble\r\n--b\r\n\r\nx\r\n--b--\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\na\0b\r\n",
        SIGNED % b"a\0b",
    ],
)
def test_outside_parts_there_are_only_lines(octets: bytes) -> None:
    with pytest.raises(CannotRecode):
        lines(octets)
