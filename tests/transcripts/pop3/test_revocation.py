"""A session ends with what let it in, and takes no deletion with it."""

from __future__ import annotations

from tests.support.pop3_host import Login, Operator, Pop3Host

from mailkeep.model.scope import Scope

HEARD_SECONDS = 1.0  # the promise; the client below would otherwise wait for its own, longer timeout


def test_a_revoked_key_ends_its_session(host: Pop3Host, operator: Operator, login: Login) -> None:
    operator.append(login, b"Subject: kept\r\n\r\n")
    with host.log_in(login) as client:
        assert client.command("DELE 1").startswith("+OK")
        operator.revoke(login.key_id)
        client.patience(HEARD_SECONDS)
        assert client.ended()
    assert len(operator.uids(login)) == 1


def test_a_disabled_user_loses_the_session(host: Pop3Host, operator: Operator, login: Login) -> None:
    with host.log_in(login) as client:
        operator.run(operator.store.directory.set_disabled(login.user_id, True))
        client.patience(HEARD_SECONDS)
        assert client.ended()


def test_revoking_another_key_of_the_user_changes_nothing(
    host: Pop3Host, operator: Operator, login: Login
) -> None:
    other = operator.key(login, Scope.POP3)
    with host.log_in(login) as client:
        operator.revoke(other.id)
        assert client.command("NOOP") == "+OK"
