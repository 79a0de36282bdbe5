"""A real Postfix hands in mail over STARTTLS, verified, with PIPELINING; and takes no for an answer."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest
from tests.support.clients import SECONDS, message, read_imap
from tests.support.corpus import as_sent, generated
from tests.support.hosts import MailkeepUp, Person
from tests.support.postfix import Postfix


@pytest.fixture
def postfix(mailkeep: MailkeepUp) -> Iterator[Postfix]:
    with Postfix(mailkeep.place("mx"), mailkeep.ca_file) as running:
        yield running


def relay(postfix: Postfix, recipients: list[str], octets: bytes) -> None:
    with smtplib.SMTP(*postfix.place, timeout=SECONDS) as client:
        client.sendmail("bob@remote.example", recipients, octets, ["BODY=8BITMIME"])


def test_mail_comes_in_over_verified_tls(mailkeep: MailkeepUp, postfix: Postfix, person: Person) -> None:
    bodies = ["plain\r\n", ".\r\n..dots\r\n", "Grüße 🙂\r\n", "x" * 900 + "\r\n"]
    sent = [message(person.address, body=body) for body in bodies]
    for octets in sent:
        relay(postfix, [person.address], octets)
    postfix.wait_for_log("status=sent (250 2.0.0", times=len(sent))
    assert "Verified TLS connection established to localhost" in postfix.log
    stored = read_imap(mailkeep, person)
    assert sorted(octets.partition(b"From: ")[2] for octets in stored) == sorted(
        octets.partition(b"From: ")[2] for octets in sent
    )
    for octets in stored:
        trace = octets.partition(b"From: ")[0]
        assert trace.startswith(b"Return-Path: <bob@remote.example>\r\nReceived: from mta.remote.example")
        assert b"ESMTPS" in trace
    assert "Mail queue is empty" in postfix.queue()


def test_octets_pass_through_two_servers_unchanged(
    mailkeep: MailkeepUp, postfix: Postfix, person: Person
) -> None:
    """Postfix breaks lines over 998 octets and adds fields that are missing: here is nothing to mend."""
    body = generated()["every octet but NUL, CR and LF"].partition(b"\r\n\r\n")[2]
    lines = b"\r\n".join(body[at : at + 700] for at in range(0, len(body), 700))
    octets = message(person.address, body="") + as_sent(lines)
    relay(postfix, [person.address], octets)
    postfix.wait_for_log("status=sent")
    (stored,) = read_imap(mailkeep, person)
    assert stored.endswith(octets)


def test_many_recipients_and_a_large_message_in_one_transaction(
    mailkeep: MailkeepUp, postfix: Postfix, person: Person
) -> None:
    others = [mailkeep.unclaimed() for _ in range(30)]
    octets = message(person.address, body="0123456789abcdef\r\n" * 300_000)
    relay(postfix, [person.address, *others], octets)
    postfix.wait_for_log("status=sent", times=31)
    (stored,) = read_imap(mailkeep, person)
    assert stored.endswith(octets)


def test_a_refused_recipient_bounces_at_the_sender(
    mailkeep: MailkeepUp, postfix: Postfix, person: Person
) -> None:
    relay(postfix, [person.address, "carol@elsewhere.example"], message(person.address))
    postfix.wait_for_log("status=bounced")
    (line,) = [line for line in postfix.log.splitlines() if "status=bounced" in line and "carol" in line]
    assert "said: 550 5.7.1" in line
    postfix.wait_for_log("status=sent")
    assert len(read_imap(mailkeep, person)) == 1
