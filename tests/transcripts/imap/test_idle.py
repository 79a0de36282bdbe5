"""IDLE: RFC 9051 section 6.3.13, RFC 2177."""

from __future__ import annotations

from tests.support.imap_host import Client, ImapHost, Login, Operator

MESSAGE = b"Subject: one\r\n\r\nbody\r\n"


def test_idle_hears_what_others_do(client: Client, other: Client, operator: Operator, user: Login) -> None:
    other.play("C: i IDLE\nS: + ...")
    assert other.is_quiet()
    operator.deliver(user.address, MESSAGE)
    other.play("S: * 1 EXISTS\nS: * <either> RECENT")
    client.command("NOOP")
    client.command(r"STORE 1 +FLAGS (\Flagged)")
    other.play(r"S: * 1 FETCH (FLAGS (\Flagged...))")
    client.command("MOVE 1 Trash")
    other.play("S: * 1 EXPUNGE\nC: DONE\nS: i OK IDLE completed.\nC: j NOOP\nS: j OK ...")


def test_idle_hears_of_mail_that_comes_with_an_address(
    client: Client, other: Client, operator: Operator, user: Login
) -> None:
    client.append("INBOX", MESSAGE)
    other.play("C: i IDLE\nS: + ...\nS: * 1 EXISTS\nS: * 0 RECENT")
    further = f"further-{user.address}"
    for _ in range(3):
        operator.deliver(further, MESSAGE)
    operator.give(user, further)
    other.play("S: * 4 EXISTS\nS: * <recent> RECENT\nC: DONE\nS: i OK ...")


def test_what_happened_before_idle_is_told_when_it_begins(client: Client, other: Client) -> None:
    client.append("INBOX", MESSAGE)
    other.play(
        """
        C: i IDLE
        S: + ...
        S: * 1 EXISTS
        S: * 0 RECENT
        C: done
        S: i OK ...
        """
    )


def test_idle_without_a_mailbox(host: ImapHost, user: Login) -> None:
    with host.log_in(user) as client:
        client.play("C: i IDLE\nS: + ...\nC: DONE\nS: i OK ...")


def test_only_done_ends_idle(client: Client) -> None:
    client.play(
        """
        C: a IDLE
        S: + ...
        C: b NOOP
        S: a BAD Only DONE ends IDLE.
        C: c NOOP
        S: c OK ...
        """
    )
    client.play("C: d IDLE\nS: + ...")
    client.send(b"x" * 500 + b"\r\n")
    client.play("S: d BAD The line is too long.\nC: e NOOP\nS: e OK ...")


def test_done_may_come_together_with_idle_and_the_next_command(client: Client) -> None:
    client.send(b"a IDLE\r\nDONE\r\nb NOOP\r\n")
    client.play("S: + ...\nS: a OK ...\nS: b OK ...")


def test_after_idle_nothing_comes_unasked(client: Client, other: Client) -> None:
    other.play("C: i IDLE\nS: + ...\nC: DONE\nS: i OK ...")
    client.append("INBOX", MESSAGE)
    assert other.is_quiet()
