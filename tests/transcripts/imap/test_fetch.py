"""FETCH: RFC 9051 sections 6.4.5 and 7.5.2, RFC 3501."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.imap_host import Client

MESSAGE = (
    b"From: Ann <ann@example.test>\r\n"
    b"To: bob@example.test\r\n"
    b"Subject: hello\r\n"
    b"  folded\r\n"
    b"Message-ID: <1@example.test>\r\n"
    b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
    b"\r\n"
    b"line one\r\n"
    b"line two\r\n"
)
NESTED = (
    b"Subject: outer\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="o"\r\n'
    b"\r\n"
    b"preamble\r\n"
    b"--o\r\n"
    b"Content-Type: text/plain\r\n"
    b"\r\n"
    b"first\r\n"
    b"--o\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"X-Part: two\r\n"
    b"\r\n"
    b"Subject: middle\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"Subject: inner\r\n"
    b'Content-Type: multipart/alternative; boundary="i"\r\n'
    b"\r\n"
    b"--i\r\n"
    b"\r\n"
    b"plain\r\n"
    b"--i\r\n"
    b"Content-Type: text/html\r\n"
    b"\r\n"
    b"<p>html</p>\r\n"
    b"--i--\r\n"
    b"--o--\r\n"
)


@pytest.fixture
def one(client: Client) -> Client:
    """A session with one message, seen by it already as EXISTS."""
    client.append("INBOX", MESSAGE, r'(\Seen) " 1-Jan-2026 00:00:00 +0000" ')
    return client


@pytest.fixture
def nested(client: Client) -> Client:
    """The same with message/rfc822 within message/rfc822."""
    client.append("INBOX", NESTED, r"(\Seen) ")
    return client


def section(client: Client, name: str, uid: int = 1) -> bytes | None:
    """One section's octets; None for NIL."""
    client.send(f"s UID FETCH {uid} (BODY.PEEK[{name}])\r\n".encode())
    line = client.line()
    if line == f"* 1 FETCH (UID {uid} BODY[{name}] NIL)":
        octets = None
    else:
        head, _, size = line.rpartition("{")
        assert head == f"* 1 FETCH (UID {uid} BODY[{name}] "
        octets = client.octets(int(size.removesuffix("}")))
        assert client.line() == ")"
    assert client.line() == "s OK FETCH completed."
    return octets


def test_attributes_in_the_order_asked(one: Client) -> None:
    one.play(
        r"""
        C: a FETCH 1 (RFC822.SIZE INTERNALDATE UID FLAGS)
        S: * 1 FETCH (RFC822.SIZE 168 INTERNALDATE " 1-Jan-2026 00:00:00 +0000" UID 1 FLAGS (\Seen \Recent))
        S: a OK FETCH completed.
        C: b FETCH 1 FAST
        S: * 1 FETCH (FLAGS (\Seen \Recent) INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE 168)
        S: b OK FETCH completed.
        C: c UID FETCH 1 FLAGS
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent))
        S: c OK FETCH completed.
        """
    )


def test_envelope_and_structure(one: Client) -> None:
    one.play(
        r"""
        C: a FETCH 1 (ENVELOPE)
        S: * 1 FETCH (ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "hello  folded" (("Ann" NIL "ann" "example.test")) (("Ann" NIL "ann" "example.test")) (("Ann" NIL "ann" "example.test")) ((NIL NIL "bob" "example.test")) NIL NIL NIL "<1@example.test>"))
        S: a OK FETCH completed.
        C: b FETCH 1 (BODY BODYSTRUCTURE)
        S: * 1 FETCH (BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 20 2) BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 20 2 NIL NIL NIL NIL))
        S: b OK FETCH completed.
        C: c FETCH 1 ALL
        S: * 1 FETCH (FLAGS (\Seen \Recent) INTERNALDATE ... RFC822.SIZE 168 ENVELOPE (...))
        S: c OK ...
        C: d FETCH 1 FULL
        S: * 1 FETCH (FLAGS (\Seen \Recent) INTERNALDATE ... RFC822.SIZE 168 ENVELOPE (...) BODY (...))
        S: d OK ...
        """  # noqa: E501  one line on the wire
    )


def test_sections_of_a_simple_message(one: Client) -> None:
    header, _, text = MESSAGE.partition(b"\r\n\r\n")
    assert section(one, "") == MESSAGE
    assert section(one, "HEADER") == header + b"\r\n\r\n"
    assert section(one, "TEXT") == text
    assert section(one, "1") == text
    assert section(one, "1.MIME") == header + b"\r\n\r\n"
    assert section(one, "2") is None
    assert section(one, "1.1") is None
    assert section(one, "1.HEADER") is None
    assert section(one, "HEADER.FIELDS (SUBJECT X-NONE)") == b"Subject: hello\r\n  folded\r\n\r\n"
    left = b"From: Ann <ann@example.test>\r\nTo: bob@example.test\r\n\r\n"
    assert section(one, "HEADER.FIELDS.NOT (Subject Message-ID Date)") == left


def test_sections_of_nested_messages(nested: Client) -> None:
    """RFC 9051 section 6.4.5.1, and message/rfc822 within message/rfc822."""
    assert section(nested, "1") == b"first"
    assert section(nested, "1.MIME") == b"Content-Type: text/plain\r\n\r\n"
    assert section(nested, "2.MIME") == b"Content-Type: message/rfc822\r\nX-Part: two\r\n\r\n"
    assert section(nested, "2.HEADER") == b"Subject: middle\r\nContent-Type: message/rfc822\r\n\r\n"
    assert section(nested, "2.HEADER.FIELDS (SUBJECT)") == b"Subject: middle\r\n\r\n"
    assert section(nested, "2.1.HEADER.FIELDS (SUBJECT)") == b"Subject: inner\r\n\r\n"
    assert section(nested, "2.1.1") == b"plain"
    assert section(nested, "2.1.2") == b"<p>html</p>"
    assert section(nested, "2.1.2.MIME") == b"Content-Type: text/html\r\n\r\n"
    assert section(nested, "2.1.3") is None
    assert section(nested, "3") is None
    start, end = NESTED.index(b"Subject: middle"), NESTED.index(b"\r\n--o--")
    assert section(nested, "2") == NESTED[start:end]
    assert section(nested, "2.TEXT") == NESTED[NESTED.index(b"Subject: inner") : end]


def test_partial(one: Client) -> None:
    one.play(
        """
        C: a FETCH 1 BODY.PEEK[TEXT]<5.3>
        S: * 1 FETCH (BODY[TEXT]<5> {3}
        S: one)
        S: a OK ...
        C: b FETCH 1 BODY.PEEK[TEXT]<15.100>
        S: * 1 FETCH (BODY[TEXT]<15> {5}
        S: two
        S: )
        S: b OK ...
        C: c FETCH 1 BODY.PEEK[TEXT]<99.10>
        S: * 1 FETCH (BODY[TEXT]<99> {0}
        S: )
        S: c OK ...
        C: d FETCH 1 BODY.PEEK[TEXT]<0.0>
        S: d BAD ...
        """
    )


def test_reading_sets_seen_and_says_so(client: Client) -> None:
    client.append("INBOX", MESSAGE, "(word) ")
    client.append("INBOX", MESSAGE, r"(\Seen) ")
    client.play(
        r"""
        C: a FETCH 1:2 (UID BODY[TEXT]<0.4>)
        S: * 1 FETCH (UID 1 BODY[TEXT]<0> {4}
        S: line FLAGS (\Seen word \Recent))
        S: * 2 FETCH (UID 2 BODY[TEXT]<0> {4}
        S: line)
        S: a OK ...
        C: b STORE 1 -FLAGS.SILENT (\Seen)
        S: b OK ...
        C: c FETCH 1 (BODY.PEEK[TEXT]<0.4> RFC822.HEADER)
        S: * 1 FETCH (BODY[TEXT]<0> {4}
        S: line RFC822.HEADER {148}
        S: From: Ann <ann@example.test>
        S: To: bob@example.test
        S: Subject: hello
        S: folded
        S: Message-ID: <1@example.test>
        S: Date: Mon, 7 Feb 1994 21:52:25 -0800
        S:
        S: )
        S: c OK ...
        C: d FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (word \Recent))
        S: d OK ...
        C: e FETCH 1 (FLAGS RFC822.TEXT)
        S: * 1 FETCH (FLAGS (\Seen word \Recent) RFC822.TEXT {20}
        S: line one
        S: line two
        S: )
        S: e OK ...
        """.replace("S: folded", "S: \x20 folded")
    )


def test_numbers_beyond_the_mailbox(one: Client) -> None:
    one.play(
        """
        C: a FETCH 2 FLAGS
        S: a BAD ...
        C: b FETCH 0 FLAGS
        S: b BAD ...
        C: c UID FETCH 99:100 FLAGS
        S: c OK FETCH completed.
        C: d UID FETCH 99:* UID
        S: * 1 FETCH (UID 1)
        S: d OK ...
        C: e FETCH *:1 UID
        S: * 1 FETCH (UID 1)
        S: e OK ...
        C: f FETCH 1,1,1:1 UID
        S: * 1 FETCH (UID 1)
        S: f OK ...
        C: g FETCH 1 (UID NONSENSE)
        S: g BAD ...
        """
    )


def test_field_names_may_be_literals(one: Client) -> None:
    one.play(
        """
        C: a FETCH 1 BODY.PEEK[HEADER.FIELDS ({7}
        S: + ...
        C: SUBJECT "TO")]
        S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT TO)] {50}
        S: To: bob@example.test
        S: Subject: hello
        S: ...
        S:
        S: )
        S: a OK ...
        """
    )


def test_a_header_larger_than_what_the_row_keeps(client: Client) -> None:
    header = b"Subject: big\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"y" * 900) for n in range(100))
    client.append("INBOX", header + b"X-Last: end\r\n\r\nbody\r\n")
    assert section(client, "HEADER") == header + b"X-Last: end\r\n\r\n"
    assert section(client, "HEADER.FIELDS (X-LAST)") == b"X-Last: end\r\n\r\n"
    assert section(client, "TEXT") == b"body\r\n"


def test_the_same_message_twice_in_one_mailbox(one: Client) -> None:
    one.command("COPY 1 INBOX")
    one.command("COPY 1:2 INBOX")
    one.play(
        """
        C: a FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])
        S: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (MESSAGE-ID)] {32}
        S: Message-ID: <1@example.test>
        S:
        S: )
        S: * 2 FETCH (UID 2 BODY[HEADER.FIELDS (MESSAGE-ID)] {32}
        S: Message-ID: <1@example.test>
        S:
        S: )
        S: * 3 FETCH (UID 3 BODY[HEADER.FIELDS (MESSAGE-ID)] {32}
        S: Message-ID: <1@example.test>
        S:
        S: )
        S: * 4 FETCH (UID 4 BODY[HEADER.FIELDS (MESSAGE-ID)] {32}
        S: Message-ID: <1@example.test>
        S:
        S: )
        S: a OK ...
        """
    )
    one.send(b"b FETCH 1:* BODY.PEEK[]\r\n")
    for number in range(1, 5):
        assert one.line() == f"* {number} FETCH (BODY[] {{{len(MESSAGE)}}}"
        assert one.octets(len(MESSAGE)) == MESSAGE
        assert one.line() == ")"
    assert one.line() == "b OK FETCH completed."


def test_the_standard_librarys_own_corpus_comes_back_unchanged(client: Client) -> None:
    data = Path(pytest.importorskip("test.test_email").__file__).parent / "data"
    sent = [path.read_bytes() for path in sorted(data.glob("*.txt"))]
    for octets in sent:
        client.append("INBOX", octets)
    client.send(b"a FETCH 1:* BODY.PEEK[]\r\n")
    for number, octets in enumerate(sent, 1):
        assert client.line() == f"* {number} FETCH (BODY[] {{{len(octets)}}}"
        assert client.octets(len(octets)) == octets
        assert client.line() == ")"
    assert client.line() == "a OK FETCH completed."


def test_values_that_are_remembered_are_those_of_the_message_and_the_window_asked_for(client: Client) -> None:
    for number in range(1, 6):
        client.append("INBOX", b"Subject: number %d\r\nFrom: a@example.test\r\n\r\ntext\r\n" % number)
    first = client.command("FETCH 1:* (ENVELOPE BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.100>)")
    assert client.command("FETCH 1:* (ENVELOPE BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.100>)") == first
    client.play(r"""
        C: a FETCH 3 BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.6>
        S: * 3 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<9> {6}
        S: number)
        S: a OK ...
        C: b STORE 2 +FLAGS.SILENT (\Deleted)
        S: b OK ...
        C: c EXPUNGE
        S: * 2 EXPUNGE
        S: c OK ...
        C: d FETCH 2:3 (BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.100>)
        S: * 2 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<9> {12}
        S: number 3
        S:
        S: )
        S: * 3 FETCH (BODY[HEADER.FIELDS (SUBJECT)]<9> {12}
        S: number 4
        S:
        S: )
        S: d OK ...
        """)
