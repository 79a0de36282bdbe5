"""INPROGRESS (RFC 9585): who waits hears that there is work on it."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.imap_host import ImapHost, Login

MESSAGE = b"Subject: x\r\n\r\n" + b"nothing to see here\r\n" * 5000


def test_a_long_search(own_host: Callable[..., ImapHost], user: Login) -> None:
    with own_host(IMAP_PROGRESS_SECONDS="0.001").log_in(user, "INBOX") as client:
        for _ in range(20):
            client.append("INBOX", MESSAGE)
        client.send(b"a SEARCH BODY absent\r\n")
        *lines, status = client.until("a")
        told = [line for line in lines if line.startswith('* OK [INPROGRESS ("a" NIL NIL)] ')]
        assert told
        assert [line for line in lines if line not in told] == ["* SEARCH"]
        assert status.startswith("OK")
        client.send(b"b NOOP\r\n")
        assert client.until("b") == ["OK NOOP completed."]


def test_nothing_is_told_of_what_is_quick(own_host: Callable[..., ImapHost], user: Login) -> None:
    with own_host().log_in(user, "INBOX") as client:
        client.append("INBOX", MESSAGE)
        assert client.command("SEARCH BODY absent") == ["* SEARCH"]
