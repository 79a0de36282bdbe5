"""The client's half: replies of any server, extensions, commands (RFC 5321, RFC 2034, RFC 3461)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.address import Address
from mailkeep.model.queue import DsnRequest, Envelope
from mailkeep.smtp.client import (
    REPLY_LINE_LIMIT,
    REPLY_LINES_LIMIT,
    Extensions,
    ReplyReader,
    ReplySyntax,
    ServerReply,
    Stuffer,
    mail_command,
    parse_extensions,
    rcpt_command,
)
from mailkeep.smtp.data import DataReader

ALICE = Address.parse("alice@example.test")
EVERYTHING = Extensions(dict.fromkeys(("SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"), ""))


def read(*pieces: bytes) -> list[ServerReply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 2.1.0 Ok\r\n", ServerReply(250, "2.1.0", ("Ok",))),
        (b"250 Ok\r\n", ServerReply(250, "", ("Ok",))),
        (b"250\r\n", ServerReply(250, "", ("",))),
        (b"354 \n", ServerReply(354, "", ("",))),
        (b"250-a\r\n250-b\r\n250 c\r\n", ServerReply(250, "", ("a", "b", "c"))),
        (b"550-5.1.1 no\r\n550 5.1.1 such\r\n", ServerReply(550, "5.1.1", ("no", "such"))),
        (b"550 5.1.1\r\n", ServerReply(550, "5.1.1", ("",))),
        (b"450 \xff\x1b[31m\r\n", ServerReply(450, "", ("?[31m",))),
    ],
)
def test_replies(octets: bytes, reply: ServerReply) -> None:
    assert read(octets) == [reply]
    assert read(*(octets[at : at + 1] for at in range(len(octets)))) == [reply]


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25 x\r\n",
        b"150 x\r\n",
        b"650 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"HTTP/1.1 400 Bad\r\n",
        b"\r\n",
        b"250 " + b"x" * REPLY_LINE_LIMIT,
        b"250 " + b"x" * REPLY_LINE_LIMIT + b"\r\n",
        b"250-x\r\n" * (REPLY_LINES_LIMIT + 1),
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(ReplySyntax):
        read(octets)


def test_what_stands_behind_a_reply_is_noticed() -> None:
    reader = ReplyReader()
    assert reader.feed(b"220 go\r\n250 inj")
    assert reader.pending
    assert not ReplyReader().pending


def test_a_status_that_contradicts_its_code_does_not_count() -> None:
    assert ServerReply(550, "2.0.0", ("?",)).status == "5.0.0"
    assert ServerReply(450, "", ("?",)).status == "4.0.0"
    assert ServerReply(550, "5.7.1", ("?",)).status == "5.7.1"


def test_extensions() -> None:
    (reply,) = read(b"250-mx.test hello\r\n250-size 1000\r\n250-AUTH plain XOAUTH2\r\n250 dsn\r\n")
    extensions = parse_extensions(reply)
    assert "DSN" in extensions
    assert "STARTTLS" not in extensions
    assert extensions.max_size == 1000
    assert extensions.mechanisms == {"PLAIN", "XOAUTH2"}
    assert Extensions({"SIZE": "much"}).max_size == Extensions({}).max_size == 0


def test_mail_asks_for_what_the_server_has() -> None:
    envelope = Envelope(ALICE, smtputf8=True, requiretls=True, ret="full", envid="a+2B")
    assert mail_command(envelope, 9, EVERYTHING, eight_bit=True, utf8=True) == (
        b"MAIL FROM:<alice@example.test> SIZE=9 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=full ENVID=a+2B\r\n"
    )
    bare = mail_command(envelope, 9, Extensions({}), eight_bit=True, utf8=True)
    assert bare == b"MAIL FROM:<alice@example.test>\r\n"
    assert (
        mail_command(Envelope(None), 9, EVERYTHING, eight_bit=False, utf8=False) == b"MAIL FROM:<> SIZE=9\r\n"
    )


def test_rcpt_carries_what_was_asked_of_reports() -> None:
    odd = Address.parse('"a b"@far.test')
    request = DsnRequest("NEVER", "rfc822;x+20y")
    assert rcpt_command(odd, request, EVERYTHING) == (
        b'RCPT TO:<"a b"@far.test> NOTIFY=NEVER ORCPT=rfc822;x+20y\r\n'
    )
    assert rcpt_command(odd, request, Extensions({})) == b'RCPT TO:<"a b"@far.test>\r\n'


def test_an_orcpt_beyond_ascii_is_escaped_for_every_server() -> None:
    """RFC 6533 section 3: UTF-8 would need SMTPUTF8, which a message in ASCII does not ask for."""
    command = rcpt_command(ALICE, DsnRequest(orcpt="utf-8;jos\u00e9+2B\\x{E9}@far.test"), EVERYTHING)
    assert command == b"RCPT TO:<alice@example.test> ORCPT=utf-8;jos\\x{E9}+2B\\x{E9}@far.test\r\n"


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"..", b"\r\n."]).map(bytes)), st.integers(1, 7))
def test_what_is_stuffed_in_pieces_arrives_as_it_was(pieces: list[bytes], size: int) -> None:
    message = b"".join(pieces)
    stuffer = Stuffer()
    sent = b"".join(stuffer.feed(message[at : at + size]) for at in range(0, len(message), size))
    sent += stuffer.finish()
    reader = DataReader(1 << 20)
    got = reader.feed(sent)
    assert reader.finished
    assert not reader.trailing
    assert got == (message if message.endswith(b"\r\n") or not message else message + b"\r\n")
