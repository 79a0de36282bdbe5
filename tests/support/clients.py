"""The standard library's mail clients, pointed at a running Mailkeep: how live tests send and read."""

from __future__ import annotations

import imaplib
import poplib
import re
import secrets
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.hosts import MailkeepUp, Person

SECONDS = 60.0

# Return-Path and Received as an MX writes them on top (RFC 5321 section 4.4), folded or not.
_TRACE = re.compile(rb"Return-Path:[^\r\n]*\r\nReceived:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def message(
    to: str, subject: str = "", body: str = "Hello.\r\n", sender: str = "bob@remote.example"
) -> bytes:
    """A plain message with its CRLFs, unlike any other."""
    marker = secrets.token_hex(6)
    header = f"From: Bob <{sender}>\r\nTo: <{to}>\r\nSubject: {subject or marker}\r\n"
    header += f"Date: Sun, 22 Nov 2026 01:02:03 +0100\r\nMessage-ID: <{marker}@remote.example>\r\n"
    return f"{header}\r\n{body}".encode()


def deliver(
    up: MailkeepUp, to: str, octets: bytes, sender: str = "bob@remote.example", options: tuple[str, ...] = ()
) -> None:
    """Hand a message to the MX listener, as another server would."""
    with smtplib.SMTP(*up.place("mx"), local_hostname="remote.example", timeout=SECONDS) as client:
        client.sendmail(sender, [to], octets, mail_options=options)


@contextmanager
def imap(up: MailkeepUp, person: Person) -> Iterator[imaplib.IMAP4]:
    """A session over TLS, logged in."""
    host, port = up.place("imaps")
    with imaplib.IMAP4_SSL(host, port, ssl_context=up.tls, timeout=SECONDS) as client:
        client.login(person.address, person.api_key)
        yield client


@contextmanager
def pop3(up: MailkeepUp, person: Person, *, utf8: bool = False) -> Iterator[poplib.POP3_SSL]:
    """A session over TLS, logged in, perhaps in UTF-8 mode (RFC 6856 section 2); QUIT at the end."""
    host, port = up.place("pop3s")
    client = poplib.POP3_SSL(host, port, context=up.tls, timeout=SECONDS)
    try:
        if utf8:
            client.utf8()
        client.user(person.address)
        client.pass_(person.api_key)
        yield client
        client.quit()
    finally:
        client.close()


@contextmanager
def submission(up: MailkeepUp, person: Person) -> Iterator[smtplib.SMTP]:
    """A submission session after STARTTLS, authenticated."""
    with smtplib.SMTP(*up.place("submission"), timeout=SECONDS) as client:
        client.starttls(context=up.tls)
        client.login(person.address, person.api_key)
        yield client


def read_imap(up: MailkeepUp, person: Person, mailbox: str = "INBOX") -> list[bytes]:
    """Every message of a mailbox, whole, oldest first."""
    with imap(up, person) as client:
        client.select(mailbox, readonly=True)
        _, answers = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [answer[1] for answer in answers if isinstance(answer, tuple)]


def read_pop3(up: MailkeepUp, person: Person) -> list[bytes]:
    """Every message of the maildrop, whole and as it is stored, oldest first."""
    # poplib refuses lines over 2,048 octets unless told otherwise; messages have longer ones.
    with pytest.MonkeyPatch.context() as patch, pop3(up, person, utf8=True) as client:
        patch.setattr(poplib, "_MAXLINE", 64 * 1024 * 1024)
        count, _ = client.stat()
        return [b"".join(line + b"\r\n" for line in client.retr(number + 1)[1]) for number in range(count)]


def beneath_trace(stored: bytes) -> bytes:
    """A stored message without the trace fields that Mailkeep put on top. Raises AssertionError."""
    trace = _TRACE.match(stored)
    assert trace, f"no trace fields on top: {stored[:200]!r}"
    return stored[trace.end() :]
