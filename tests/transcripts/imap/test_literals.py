"""A literal may stand wherever an astring may (RFC 9051 section 9), waited for or not."""

from __future__ import annotations

import re

import pytest
from tests.support.imap_host import Client

MESSAGE = b"Subject: one\r\nX-Field: value\r\n\r\nbody\r\n"
COMMANDS = [  # what is in angle brackets goes as a literal
    "CREATE <new>",
    "RENAME <new> <newer>",
    "SUBSCRIBE <newer>",
    "UNSUBSCRIBE <newer>",
    "DELETE <newer>",
    "LIST <> <%>",
    "LIST (SUBSCRIBED) <> (<INBOX> <Sent>) RETURN (CHILDREN STATUS (MESSAGES))",
    "LSUB <> <*>",
    "STATUS <INBOX> (MESSAGES)",
    "SEARCH SUBJECT <one>",
    "SEARCH CHARSET <UTF-8> TEXT <body> NOT FROM <x> OR CC <y> HEADER <X-Field> <value>",
    "UID SORT (SUBJECT) <UTF-8> BODY <body>",
    "THREAD REFS <US-ASCII> TO <x>",
    "ESEARCH IN (mailboxes (<INBOX> <Sent>) subtree <a>) SUBJECT <one>",
    "FETCH 1 BODY.PEEK[HEADER.FIELDS (<X-Field> <Subject>)]",
    "COPY 1 <Sent>",
    "UID MOVE 9 <Sent>",
    "ID (<name> <test> <version> NIL)",
    "SETMETADATA <Sent> (/private/comment <x>)",
    "GETMETADATA <Sent> /private/comment",
    "GETQUOTAROOT <INBOX>",
    "MYRIGHTS <INBOX>",
    "GETACL <INBOX>",
    "NOTIFY SET (mailboxes (<Sent> <Drafts>) (MessageNew MessageExpunge))",
    "RESETKEY <INBOX> INTERNAL",
    "URLFETCH <x> <y>",
    "APPEND <INBOX> CATENATE (URL </INBOX/;UID=1>)",
    "EXAMINE <Sent> (CONDSTORE)",
    "SELECT <INBOX>",
]
_ASTRING = re.compile(r"<([^<>]*)>")


@pytest.fixture
def filled(client: Client) -> Client:
    """A session with a message in INBOX."""
    client.append("INBOX", MESSAGE)
    return client


def test_without_waiting(filled: Client) -> None:
    for command in COMMANDS:
        octets = _ASTRING.sub(lambda found: f"{{{len(found[1])}+}}\r\n{found[1]}", command)
        filled.send(f"a {octets}\r\n".encode())
        assert filled.until("a")[-1].startswith("OK"), command


def test_waiting_for_leave(filled: Client) -> None:
    for command in COMMANDS:
        head, *rest = _ASTRING.split(command)
        filled.send(f"a {head}".encode())
        for text, after in zip(rest[::2], rest[1::2], strict=True):
            filled.send(f"{{{len(text)}}}\r\n".encode())
            filled.play("S: + ...")
            filled.send(f"{text}{after}".encode())
        filled.send(b"\r\n")
        assert filled.until("a")[-1].startswith("OK"), command
