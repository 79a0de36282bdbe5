"""APPEND: RFC 9051 section 6.3.12, RFC 4315, RFC 7888."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def test_append_keeps_flags_and_date(client: Client) -> None:
    client.play(
        r"""
        C: a APPEND Drafts (\Seen $Work \Draft) " 7-Feb-1994 21:52:25 -0800" {22}
        S: + ...
        C: Subject: one
        C:
        C: body
        C:
        S: a OK [APPENDUID <validity> 1] APPEND completed.
        C: b EXAMINE Drafts
        S: * OK [CLOSED] ...
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [PERMANENTFLAGS ()] ...
        S: * OK [UIDVALIDITY <validity>] ...
        S: * OK [UIDNEXT 2] ...
        S: * OK [HIGHESTMODSEQ ...] ...
        S: * OK [MAILBOXID (...)] ...
        S: * OK [URLMECH INTERNAL] ...
        S: b OK ...
        C: c FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)
        S: * 1 FETCH (FLAGS (\Seen \Draft $Work \Recent) INTERNALDATE " 8-Feb-1994 05:52:25 +0000" ... 22)
        S: c OK ...
        """
    )


def test_append_into_the_selected_mailbox_is_seen_at_once(client: Client) -> None:
    client.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE))
    client.play(
        """
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK [APPENDUID ... 1] APPEND completed.
        """
    )


def test_any_octets_come_back_as_they_were_sent(client: Client) -> None:
    octets = bytes(range(1, 256)) + b"\nbare\rline ends\n\r\n" + b"x" * 5000
    uid = client.append("INBOX", octets)
    client.send(b"f UID FETCH %d (BODY.PEEK[] RFC822.SIZE)\r\n" % uid)
    assert client.line() == f"* 1 FETCH (UID {uid} BODY[] {{{len(octets)}}}"
    assert client.octets(len(octets)) == octets
    client.play(f"S: \x20RFC822.SIZE {len(octets)})\nS: f OK ...")


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_large_messages_are_streamed_both_ways(client: Client, size: int) -> None:
    octets = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (size // 16)
    client.append("INBOX", octets)
    client.send(b"f FETCH 1 (BODY.PEEK[TEXT] UID BODY.PEEK[]<10.20>)\r\n")
    assert client.line() == f"* 1 FETCH (BODY[TEXT] {{{len(octets) - 18}}}"
    assert client.octets(len(octets) - 18) == octets[18:]
    assert client.line() == " UID 1 BODY[]<10> {20}"
    assert client.octets(20) == octets[10:30]
    client.play("S: )\nS: f OK ...")


def test_refused_before_the_message_is_sent(client: Client) -> None:
    client.play(
        r"""
        C: a APPEND Nowhere {10}
        S: a NO [TRYCREATE] ...
        C: b APPEND INBOX {999999999999}
        S: b NO [TOOBIG] ...
        C: c APPEND INBOX (\Unheard) {10}
        S: c NO [CANNOT] ...
        C: d APPEND INBOX "31-Feb-2026 00:00:00 +0000" {10}
        S: d BAD ...
        C: e APPEND INBOX {0}
        S: e BAD ...
        C: f NOOP
        S: f OK ...
        """
    )


def test_a_message_refused_while_it_comes_anyway_is_thrown_away(client: Client) -> None:
    """RFC 7888 section 4: a non-synchronizing literal cannot be stopped."""
    client.send(b"a APPEND Nowhere {%d+}\r\n%b\r\nb NOOP\r\n" % (len(MESSAGE), MESSAGE))
    client.play("S: a NO [TRYCREATE] ...\nS: b OK ...")


def test_a_message_beyond_the_limit(own_host: Callable[..., ImapHost], user: Login) -> None:
    with own_host(IMAP_MAX_APPEND_SIZE="1000").log_in(user) as client:
        client.play("C: a APPEND INBOX {1001}\nS: a NO [TOOBIG] ...")
        client.send(b"b APPEND INBOX {1001+}\r\n" + b"x" * 1001 + b"\r\n")
        client.play("S: b NO [TOOBIG] ...")
        assert client.append("INBOX", b"x" * 1000) == 1


def test_several_messages_are_kept_together_or_not_at_all(client: Client) -> None:
    """RFC 3502: the second cannot be kept, so the first is not either."""
    client.send(b"a APPEND INBOX {1+}\r\na (\\Unheard) {1+}\r\nb\r\nb NOOP\r\n")
    client.play("S: a NO [CANNOT] ...\nS: b OK ...")
    client.send(b"c APPEND INBOX {1+}\r\na {3+}\r\nb\0c\r\nd NOOP\r\n")
    assert client.line().startswith("c BAD")
    client.play(
        """
        S: d OK ...
        C: e APPEND INBOX {1}
        S: + ...
        C: a {999999999999}
        S: e NO [TOOBIG] ...
        C: f STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: f OK ...
        """
    )


def test_all_messages_together_have_a_limit(own_host: Callable[..., ImapHost], user: Login) -> None:
    with own_host(IMAP_MAX_APPEND_SIZE="1000").log_in(user) as client:
        client.send(b"a APPEND INBOX" + b" {900+}\r\n" + b"x" * 900)
        client.send((b" {900+}\r\n" + b"x" * 900) * 4 + b"\r\nb NOOP\r\n")
        client.play("S: a NO [TOOBIG] ...\nS: b OK ...\nC: c SELECT INBOX\nS: ...\nS: * 0 EXISTS")


def test_nul_has_no_place_in_a_message(client: Client) -> None:
    client.send(b"a APPEND INBOX {5+}\r\nab\0cd\r\n")
    assert client.line().startswith("a BAD")
    client.play("C: b STATUS INBOX (MESSAGES)\nS: * STATUS INBOX (MESSAGES 0)\nS: b OK ...")


def test_a_connection_lost_in_the_middle_leaves_nothing(host: ImapHost, user: Login, client: Client) -> None:
    with host.log_in(user) as leaving:
        leaving.send(b"a APPEND INBOX {1000+}\r\nSubject: half")
    client.play(
        """
        C: a NOOP
        S: a OK ...
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: b OK ...
        """
    )


def test_what_smtp_delivers_has_its_octets(client: Client, operator: Operator, user: Login) -> None:
    operator.deliver(user.address, MESSAGE)
    client.play(
        r"""
        C: a NOOP
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK ...
        C: b FETCH 1 (FLAGS BODY.PEEK[TEXT])
        S: * 1 FETCH (FLAGS (\Recent) BODY[TEXT] {6}
        S: body
        S: )
        S: b OK ...
        """
    )


def test_a_name_that_came_to_mean_another_mailbox_in_between(
    host: ImapHost, user: Login, client: Client
) -> None:
    """Where the last APPEND went is remembered; where the name leads now is what counts."""
    client.play("C: a CREATE Notes\nS: a OK ...")
    assert client.append("Notes", MESSAGE) == 1
    with host.log_in(user) as other:
        other.play("C: a RENAME Notes Old\nS: a OK ...\nC: b CREATE Notes\nS: b OK ...")
        assert client.append("Notes", MESSAGE) == 1
        other.play("C: c DELETE Notes\nS: c OK ...\nC: d CREATE Notes\nS: d OK ...")
        assert client.append("Notes", MESSAGE) == 1
        other.play(
            """
            C: e STATUS Old (MESSAGES)
            S: * STATUS Old (MESSAGES 1)
            S: e OK ...
            C: f STATUS Notes (MESSAGES)
            S: * STATUS Notes (MESSAGES 1)
            S: f OK ...
            C: g DELETE Notes
            S: g OK ...
            """
        )
    client.send(b"h APPEND Notes {%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE))
    client.play("S: h NO [TRYCREATE] ...")
    client.play("C: i APPEND Notes {10}\nS: i NO [TRYCREATE] ...")
