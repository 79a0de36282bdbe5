"""QUOTA with RES-STORAGE and RES-MESSAGE (RFC 9208). The hosts' default limit is one that no test reaches."""

from __future__ import annotations

import pytest
from tests.support.imap_host import Client, ImapHost, Login, Operator

KIB = 1024
MESSAGE = b"Subject: a KiB\r\n\r\n" + b"x" * (KIB - 20) + b"\r\n"


def limit(operator: Operator, user: Login, storage: int | None, messages: int | None) -> None:
    operator.run(operator.store.quotas.set_limits(user.user_id, storage, messages))


def test_the_root_of_a_mailbox_with_what_is_used(client: Client, operator: Operator, user: Login) -> None:
    limit(operator, user, 10 * KIB, 3)
    client.append("INBOX", MESSAGE)
    client.append("Archive", MESSAGE + b"y")
    client.play(
        """
        C: a GETQUOTAROOT inbox
        S: * QUOTAROOT INBOX ""
        S: * QUOTA "" (STORAGE 3 10 MESSAGE 2 3)
        S: a OK ...
        C: b GETQUOTA ""
        S: * QUOTA "" (STORAGE 3 10 MESSAGE 2 3)
        S: b OK ...
        C: c GETQUOTAROOT "not yet made"
        S: * QUOTAROOT "not yet made" ""
        S: * QUOTA "" ...
        S: c OK ...
        C: d GETQUOTA "another"
        S: d NO [NONEXISTENT] ...
        """
    )


def test_without_a_limit_there_is_no_root(client: Client, operator: Operator, user: Login) -> None:
    limit(operator, user, 0, 0)
    client.play(
        """
        C: a GETQUOTAROOT INBOX
        S: * QUOTAROOT INBOX
        S: a OK ...
        C: b GETQUOTA ""
        S: b NO [NONEXISTENT] ...
        """
    )


def test_one_resource_may_be_limited_alone(client: Client, operator: Operator, user: Login) -> None:
    limit(operator, user, 0, 7)
    client.play('C: a GETQUOTA ""\nS: * QUOTA "" (MESSAGE 0 7)\nS: a OK ...')


def test_limits_are_the_operators(client: Client) -> None:
    client.play('C: a SETQUOTA "" (STORAGE 1)\nS: a NO [NOPERM] ...')


@pytest.mark.parametrize(("storage", "messages"), [(2 * KIB, 0), (0, 2)])
def test_append_and_copy_past_the_limit(
    client: Client, operator: Operator, user: Login, storage: int, messages: int
) -> None:
    limit(operator, user, storage, messages)
    client.append("INBOX", MESSAGE)
    client.append("INBOX", MESSAGE, "(\\Seen) ")
    client.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(MESSAGE), MESSAGE))
    client.play("S: a NO [OVERQUOTA] ...")
    client.play(
        """
        C: b COPY 1 Archive
        S: b NO [OVERQUOTA] ...
        C: c MOVE 1 Archive
        S: * OK [COPYUID ... 1 1] ...
        S: * 1 EXPUNGE
        S: c OK ...
        C: d STORE 1 +FLAGS.SILENT (\\Deleted)
        S: d OK ...
        C: e EXPUNGE
        S: * 1 EXPUNGE
        S: e OK ...
        """
    )
    client.append("INBOX", MESSAGE)


def test_a_large_message_is_refused_before_it_is_sent(
    client: Client, operator: Operator, user: Login
) -> None:
    limit(operator, user, 100 * KIB, 0)
    client.append("INBOX", MESSAGE)
    client.play(
        f"""
        C: a APPEND INBOX {{{100 * KIB}}}
        S: a NO [OVERQUOTA] ...
        C: b APPEND INBOX {{{100 * KIB + 1}}}
        S: b NO [OVERQUOTA] ...
        C: c NOOP
        S: c OK ...
        """
    )


def test_deleted_storage(client: Client) -> None:
    client.append("INBOX", MESSAGE, "(\\Deleted) ")
    client.append("INBOX", MESSAGE)
    client.play(
        f"""
        C: a STATUS INBOX (DELETED DELETED-STORAGE SIZE)
        S: * STATUS INBOX (DELETED 1 DELETED-STORAGE {KIB} SIZE {2 * KIB})
        S: a OK ...
        C: b STATUS Archive (DELETED DELETED-STORAGE)
        S: * STATUS Archive (DELETED 0 DELETED-STORAGE 0)
        S: b OK ...
        """
    )


def test_a_strangers_command_waits_for_login(host: ImapHost) -> None:
    with host.connect() as stranger:
        stranger.line()
        stranger.play('C: a GETQUOTA ""\nS: a BAD ...\nC: b GETQUOTAROOT INBOX\nS: b BAD ...')
