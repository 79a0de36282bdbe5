"""A real Exim, with CHUNKING and DSN, and a real OpenSMTPD hand in mail over verified TLS."""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Iterator

import pytest
from tests.support.clients import SECONDS, message, read_imap
from tests.support.hosts import MailkeepUp, Person
from tests.support.private_mta import PrivateMta

BODIES = [
    "plain\r\n",
    ".\r\n..dots\r\n",
    "Grüße 🙂\r\n",
    "x" * 900 + "\r\n",
    "0123456789abcdef\r\n" * 100_000,
]


@pytest.fixture(params=["exim", "opensmtpd"])
def mta(request: pytest.FixtureRequest, mailkeep: MailkeepUp) -> Iterator[PrivateMta]:
    with PrivateMta(request.param, mailkeep.place("mx"), mailkeep.ca_file) as running:
        yield running


@pytest.fixture
def exim(mailkeep: MailkeepUp) -> Iterator[PrivateMta]:
    with PrivateMta("exim", mailkeep.place("mx"), mailkeep.ca_file) as running:
        yield running


def stored(up: MailkeepUp, person: Person, count: int) -> list[bytes]:
    """What lies in the INBOX, when it is so much."""
    deadline = time.monotonic() + SECONDS
    while len(found := read_imap(up, person)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} have come"
        time.sleep(0.2)
    return found


def test_mail_comes_in_unchanged_over_verified_tls(
    mailkeep: MailkeepUp, mta: PrivateMta, person: Person
) -> None:
    sent = [message(person.address, body=body) for body in BODIES]
    with smtplib.SMTP(*mta.place, timeout=SECONDS) as client:
        for octets in sent:
            client.sendmail("bob@remote.example", [person.address], octets, ["BODY=8BITMIME"])
    found = stored(mailkeep, person, len(sent))
    assert sorted(octets.partition(b"From: ")[2] for octets in found) == sorted(
        octets.partition(b"From: ")[2] for octets in sent
    )
    for octets in found:
        trace = octets.partition(b"From: ")[0]
        assert re.match(
            rb"Return-Path: <bob@remote.example>\r\nReceived: from (exim|smtpd)\.remote\.example ", trace
        )
        assert b"with ESMTPS" in trace


def test_a_refused_recipient_is_told_as_such(mailkeep: MailkeepUp, mta: PrivateMta, person: Person) -> None:
    with smtplib.SMTP(*mta.place, timeout=SECONDS) as client:
        octets = message(person.address)
        client.sendmail("bob@remote.example", [person.address, "carol@elsewhere.example"], octets)
    mta.wait_for_log("550 5.7.1 Relaying denied")
    assert len(stored(mailkeep, person, 1)) == 1


def test_exim_sends_by_chunks_and_asks_for_reports(
    mailkeep: MailkeepUp, exim: PrivateMta, person: Person
) -> None:
    """RFC 3030; and RFC 3461: what was asked of Exim reaches us, and the answer names it."""
    author = mailkeep.add_person()
    with smtplib.SMTP(*exim.place, timeout=SECONDS) as client:
        client.ehlo()
        assert client.has_extn("dsn")
        client.mail(author.address, ["RET=HDRS", "ENVID=QQ314159"])
        client.rcpt(person.address, ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;First@remote.example"])
        assert client.data(message(person.address, sender=author.address))[0] == 250
    (report,) = stored(mailkeep, author, 1)
    assert b"\r\nOriginal-Envelope-Id: QQ314159\r\n" in report
    assert b"\r\nOriginal-Recipient: rfc822; First@remote.example\r\n" in report
    assert b"\r\nAction: delivered\r\n" in report
    assert len(stored(mailkeep, person, 1)) == 1
    (line,) = [line for line in exim.log.splitlines() if f" => {person.address} " in line]
    assert " K " in line  # Exim's mark for CHUNKING
    assert ":yes" in line or "CV=yes" in line
    assert 'C="250 ' in line
