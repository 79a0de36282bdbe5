"""BINARY (RFC 3516): parts decoded by the server, messages with NUL octets on their way in."""

from __future__ import annotations

import base64
import random

from tests.support.imap_host import Client

ENCODED = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=20=3D\r\n"
    b"--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    b"--b\r\nContent-Transfer-Encoding: x-secret\r\n\r\nzzz\r\n"
    b"--b--\r\n"
)


def test_parts_are_decoded(client: Client) -> None:
    client.append("INBOX", ENCODED)
    client.play(
        """
        C: a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])
        S: * 1 FETCH (BINARY[1] {3}
        S: a = BINARY.SIZE[1] 3)
        S: a OK ...
        C: b FETCH 1 BINARY.PEEK[1]<2.1>
        S: * 1 FETCH (BINARY[1]<2> {1}
        S: =)
        S: b OK ...
        C: c FETCH 1 BINARY.PEEK[1]<9.1>
        S: * 1 FETCH (BINARY[1]<9> {0}
        S: )
        S: c OK ...
        C: d FETCH 1 (BINARY.PEEK[7] BINARY.SIZE[7])
        S: * 1 FETCH (BINARY[7] NIL BINARY.SIZE[7] 0)
        S: d OK ...
        """
    )
    client.send(b"e FETCH 1 BINARY[2]\r\n")
    client.play("S: * 1 FETCH (BINARY[2] ~{3}")
    assert client.octets(3) == b"\x00\x01\x02"
    client.play("S: ...FLAGS (\\Seen \\Recent))\nS: e OK ...")


def test_an_unknown_encoding_fails(client: Client) -> None:
    client.append("INBOX", ENCODED)
    client.play(
        """
        C: a FETCH 1 BINARY.PEEK[3]
        S: a NO [UNKNOWN-CTE] ...
        C: b FETCH 1 BINARY.SIZE[3]
        S: b NO [UNKNOWN-CTE] ...
        C: c FETCH 1 (BODY.PEEK[3])
        S: * 1 FETCH (BODY[3] {3}
        S: zzz)
        S: c OK ...
        """
    )


def test_the_whole_message_is_what_it_is(client: Client) -> None:
    client.append("INBOX", ENCODED)
    size = len(ENCODED)
    client.send(b"a FETCH 1 (BINARY.SIZE[] BINARY.PEEK[])\r\n")
    client.play(f"S: * 1 FETCH (BINARY.SIZE[] {size} BINARY[] {{{size}}}")
    assert client.octets(size) == ENCODED


def test_a_large_part_is_decoded_while_it_is_sent(client: Client) -> None:
    content = random.Random(1).randbytes(1_500_000)
    head = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    client.append("INBOX", head + base64.encodebytes(content).replace(b"\n", b"\r\n") + b"\r\n--b--\r\n")
    client.send(b"a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY.PEEK[2] BINARY.PEEK[1]<1000000.5>)\r\n")
    client.play("S: * 1 FETCH (BINARY.SIZE[1] 1500000 BINARY[1] ~{1500000}")
    assert client.octets(len(content)) == content
    client.play("S: ...BINARY[2] NIL BINARY[1]<1000000> ~{5}")
    assert client.octets(5) == content[1_000_000:1_000_005]
    client.play("S: )\nS: a OK ...")
    client.play("C: b FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS (\\Recent))\nS: b OK ...")


def test_a_large_part_in_an_unknown_encoding(client: Client) -> None:
    client.append("INBOX", b"Content-Transfer-Encoding: x-secret\r\n\r\n" + b"z" * 1_100_000)
    client.play("C: a FETCH 1 BINARY.PEEK[1]\nS: a NO [UNKNOWN-CTE] ...\nC: b NOOP\nS: b OK ...")


def test_nul_octets_come_in_and_go_out(client: Client) -> None:
    content = bytes(range(256)) * 3
    message = b"Subject: x\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content
    client.send(b"a APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(message), message))
    assert client.until("a")[-1].startswith("OK [APPENDUID")
    client.send(b"b FETCH 1 BINARY.PEEK[1]\r\n")
    client.play(f"S: * 1 FETCH (BINARY[1] ~{{{len(content)}}}")
    assert client.octets(len(content)) == content
    client.play("S: )\nS: b OK ...")
    client.play("C: c FETCH 1 BODY.PEEK[HEADER.FIELDS (CONTENT-TRANSFER-ENCODING)]")
    client.play("S: * 1 FETCH (...\nS: Content-Transfer-Encoding: base64\nS:\nS: )\nS: c OK ...")


def test_nul_octets_in_a_message_that_waits_in_a_file(client: Client) -> None:
    content = bytes(range(256)) * 5000  # more than is kept in memory
    message = b"Content-Transfer-Encoding: binary\r\n\r\n" + content
    client.send(b"a APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(message), message))
    assert client.until("a")[-1].startswith("OK [APPENDUID")
    client.send(b"b FETCH 1 BINARY.PEEK[1]\r\n")
    client.play(f"S: * 1 FETCH (BINARY[1] ~{{{len(content)}}}")
    assert client.octets(len(content)) == content
    client.play("S: )\nS: b OK ...")


def test_nul_octets_that_nothing_can_hold(client: Client) -> None:
    for message in (b"Subject: \0\r\n\r\nx", b"Content-Transfer-Encoding: base64\r\n\r\nAA\0="):
        client.send(b"a APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(message), message))
        assert client.until("a")[-1].startswith("NO [UNKNOWN-CTE]")
    client.send(b"b APPEND INBOX {4+}\r\na\0bc\r\n")
    assert client.until("b")[-1].startswith("BAD")
    client.play("C: c STATUS INBOX (MESSAGES)\nS: * STATUS INBOX (MESSAGES 0)\nS: c OK ...")
