"""What is read back is what was sent, octet for octet, beneath the trace fields; by IMAP and by POP3."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping

import pytest
from tests.support.clients import (
    SECONDS,
    beneath_trace,
    deliver,
    imap,
    message,
    read_imap,
    read_pop3,
    submission,
)
from tests.support.corpus import as_sent, generated, large, python_corpus
from tests.support.hosts import MailkeepUp, Person

CRLF = b"\r\n"


def send_all(up: MailkeepUp, person: Person, messages: Mapping[str, bytes]) -> dict[str, bytes]:
    """Send them over one connection in order. Returns name -> the octets that travelled."""
    sent = {name: as_sent(octets) for name, octets in messages.items()}
    with smtplib.SMTP(*up.place("mx"), timeout=SECONDS) as client:
        for octets in sent.values():
            client.sendmail("bob@remote.example", [person.address], octets, ["BODY=8BITMIME"])
    return sent


def compare(sent: Mapping[str, bytes], stored: list[bytes]) -> None:
    assert len(stored) == len(sent)
    changed = [
        name
        for (name, octets), kept in zip(sent.items(), stored, strict=True)
        if beneath_trace(kept) != octets and not kept.endswith(octets)
    ]
    assert changed == []
    # A message that begins with a space would read as part of a trace field, so count octets there.
    for octets, kept in zip(sent.values(), stored, strict=True):
        trace = kept[: len(kept) - len(octets)]
        assert beneath_trace(trace) == b""


@pytest.mark.parametrize("corpus", [python_corpus, generated], ids=["python", "generated"])
def test_a_corpus_comes_back_unchanged(mailkeep: MailkeepUp, corpus: object) -> None:
    person = mailkeep.add_person()
    sent = send_all(mailkeep, person, corpus())  # type: ignore[operator]
    by_imap = read_imap(mailkeep, person)
    compare(sent, by_imap)
    assert read_pop3(mailkeep, person) == by_imap


def test_imap_says_the_size_that_it_then_sends(mailkeep: MailkeepUp) -> None:
    person = mailkeep.add_person()
    send_all(mailkeep, person, generated())
    with imap(mailkeep, person) as client:
        client.select(readonly=True)
        _, answers = client.fetch("1:*", "(RFC822.SIZE BODY.PEEK[])")
    pairs = [answer for answer in answers if isinstance(answer, tuple)]
    assert [int(told.partition(b"RFC822.SIZE ")[2].split()[0]) for told, _ in pairs] == [
        len(octets) for _, octets in pairs
    ]


def test_parts_put_together_are_the_whole(mailkeep: MailkeepUp) -> None:
    person = mailkeep.add_person()
    send_all(mailkeep, person, generated())
    with imap(mailkeep, person) as client:
        client.select(readonly=True)
        _, answers = client.fetch("1:*", "(BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
    pieces = [answer[1] for answer in answers if isinstance(answer, tuple)]
    for whole, header, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        assert header + text == whole


def test_twenty_megabytes_come_back_unchanged(mailkeep: MailkeepUp, person: Person) -> None:
    octets = large()
    deliver(mailkeep, person.address, octets)
    (by_imap,) = read_imap(mailkeep, person)
    assert beneath_trace(by_imap) == octets
    assert read_pop3(mailkeep, person) == [by_imap]
    with imap(mailkeep, person) as client:
        client.select(readonly=True)
        _, answers = client.fetch("1", "(BODY.PEEK[]<10000000.70000>)")
    assert answers[0][1] == by_imap[10_000_000:10_070_000]


def test_submitted_mail_is_unchanged_too(mailkeep: MailkeepUp, person: Person) -> None:
    body = generated()["every octet but NUL, CR and LF"].partition(b"\r\n\r\n")[2]
    octets = message(person.address, sender=person.address, body="") + as_sent(body)
    with submission(mailkeep, person) as client:
        client.sendmail(person.address, [person.address], octets, ["BODY=8BITMIME"])
    (stored,) = read_imap(mailkeep, person)
    assert beneath_trace(stored) == octets


def test_binary_content_reads_the_same_everywhere(mailkeep: MailkeepUp, person: Person) -> None:
    """RFC 3030: sent with every octet in it, kept in base64; IMAP's BINARY gives the octets as they were."""
    content = bytes(range(256)) * 40 + b"\r\n.\r\nQUIT\r\n\n.\n\r.\r\0"
    octets = (
        b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + content
    )
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.ehlo()
        assert client.has_extn("binarymime")
        client.mail("bob@remote.example", ["BODY=BINARYMIME"])
        client.rcpt(person.address)
        client.send(b"BDAT %d LAST\r\n" % len(octets) + octets)
        assert client.getreply()[0] == 250
        assert client.noop()[0] == 250
    with imap(mailkeep, person) as session:
        session.select(readonly=True)
        _, answers = session.fetch("1", "(RFC822.SIZE BINARY.SIZE[1] BINARY.PEEK[1] BODY.PEEK[])")
    told, decoded = answers[0]
    whole = answers[1][1]
    assert decoded == content
    assert b"BINARY.SIZE[1] %d " % len(content) in told
    assert int(told.partition(b"RFC822.SIZE ")[2].split()[0]) == len(whole)
    assert b"\0" not in whole
    assert whole.count(b"\n") == whole.count(b"\r\n")
    assert read_pop3(mailkeep, person) == [whole]


def test_appended_mail_is_unchanged_with_nothing_on_top(mailkeep: MailkeepUp, person: Person) -> None:
    messages = [as_sent(octets) for octets in generated().values()]
    with imap(mailkeep, person) as client:
        for octets in messages:
            assert client.append("Archive", "", "", octets)[0] == "OK"
    assert read_imap(mailkeep, person, "Archive") == messages


@pytest.mark.parametrize(
    "hostile",
    [
        b"a NUL \0 inside",
        b"a bare \n line feed",
        b"a bare \r return",
        b"\n.\n",
        b"\r.\r",
        b"\n.\r\nMAIL",
    ],
    ids=["NUL", "LF", "CR", "LF.LF", "CR.CR", "LF.CRLF"],
)
def test_octets_that_mail_may_not_hold_are_refused_and_not_stored(
    mailkeep: MailkeepUp, person: Person, hostile: bytes
) -> None:
    """Servers that disagree about bare line ends can be made to smuggle messages: only CRLF ends a line."""
    octets = b"Subject: x\r\n\r\n" + hostile + b"\r\nlast line\r\n"
    with smtplib.SMTP(*mailkeep.place("mx"), timeout=SECONDS) as client:
        client.ehlo()
        client.mail("bob@remote.example")
        client.rcpt(person.address)
        assert client.docmd("DATA")[0] == 354
        client.send(octets + b".\r\n")
        code, reply = client.getreply()
        assert code == 550
        assert reply.startswith(b"5.6.0 ")
        assert client.noop()[0] == 250  # one refusal, and the session goes on where it should
    assert read_imap(mailkeep, person) == []
