"""What LIST and STAT say is what RETR sends (RFC 1939 section 11), in either mode of RFC 6856."""

from __future__ import annotations

import re

import pytest
from tests.support.pop3_host import Login, Operator, Pop3Host

from mailkeep_pop3.ahead import WHOLE_LIMIT

PARTS = (
    "Subject: Grüße\r\nFrom: Jürgen <jürgen@example.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; name=ü.txt\r\n\r\nmit Umlaut: ü\r\n.Punkt\r\n--b--\r\n"
).encode()
LARGE = b"x" * 70 + b"\r\n"
MESSAGES = {
    "as it is kept": b"Subject: 1\r\n\r\nx\r\n",
    "without a line end": b"Subject: 2\r\n\r\nx",
    "with a bare end": b"Subject: 3\r\n\r\nx\n",
    "with half an end": b"Subject: 4\r\n\r\nx\r",
    "empty": b"",
    "one octet": b"x",
    "header alone": b"Subject: 5",
    "8-bit text alone": "Subject: 6\r\n\r\nÜ\r\n".encode(),
    "header": PARTS,
    "header, without a line end": PARTS + "Ü".encode(),
    "no UTF-8 at all": b"Subject: caf\xe9\r\n\r\nx\r\n",
    "large": LARGE * (WHOLE_LIMIT // 50) + b"x",
    "large header": PARTS.replace(b"mit Umlaut", LARGE * (WHOLE_LIMIT // 50)),
}


@pytest.fixture
def filled(operator: Operator, login: Login) -> Login:
    operator.append(login, *MESSAGES.values())
    return login


def with_line_end(message: bytes) -> bytes:
    return message if message.endswith(b"\r\n") or not message else message + b"\r\n"


@pytest.mark.parametrize("utf8", [False, True], ids=["ascii", "utf-8"])
def test_sizes_are_those_of_what_is_sent(host: Pop3Host, filled: Login, utf8: bool) -> None:
    with host.connect() as client:
        client.line()
        if utf8:
            assert client.command("UTF8").startswith("+OK")
        client.command(f"USER {filled.address}")
        assert client.command(f"PASS {filled.key}").startswith("+OK")
        listed = dict(line.split() for line in client.listing("LIST"))
        total = 0
        for number, message in enumerate(MESSAGES.values(), 1):
            status = client.command(f"RETR {number}")
            told = re.match(r"\+OK (\d+) octets", status)
            assert told, status
            sent = client.multi_line()
            assert str(len(sent)) == told[1] == listed[str(number)]
            assert client.command(f"LIST {number}") == f"+OK {number} {len(sent)}"
            if utf8 or message.isascii():
                assert sent == with_line_end(message)
            total += len(sent)
        assert client.command("STAT") == f"+OK {len(MESSAGES)} {total}"


def test_without_utf_8_mode_no_header_field_has_any(host: Pop3Host, filled: Login) -> None:
    names = list(MESSAGES)
    with host.log_in(filled) as client:
        for name in ("header", "large header"):
            number = names.index(name) + 1
            sent = client.retrieve(number)
            header, _, body = sent.partition(b"\r\n\r\n")
            assert b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n" in header + b"\r\n"
            assert b"<invalid@internationalized-address.invalid>" in header
            assert b"\r\nContent-Type: text/plain; name*=utf-8''%C3%BC.txt\r\n" in body
            assert "ü\r\n.Punkt\r\n".encode() in body  # the body is not a header
            for lines in (0, 3, 10_000):
                assert client.command(f"TOP {number} {lines}").startswith("+OK")
                top = client.multi_line()
                assert sent.startswith(top.rstrip(b"\r\n"))
                assert top.partition(b"\r\n\r\n")[0] == header


def test_the_pipeline_sends_the_same(host: Pop3Host, filled: Login) -> None:
    with host.log_in(filled) as client:
        alone = [client.retrieve(number) for number in range(1, len(MESSAGES) + 1)]
        assert client.command("QUIT").startswith("+OK")
    with host.log_in(filled) as client:
        client.send(b"".join(b"RETR %d\r\n" % number for number in range(1, len(MESSAGES) + 1)))
        for sent in alone:
            assert client.line() == f"+OK {len(sent)} octets"
            assert client.multi_line() == sent
