"""Scopes: a closed set."""

from __future__ import annotations

import pytest

from mailkeep.errors import InvalidName
from mailkeep.model.principal import Peer, Principal
from mailkeep.model.scope import USER_SCOPES, Scope, format_scopes, parse_scopes


def test_names_read_back_in_the_order_of_their_definition() -> None:
    assert format_scopes(parse_scopes([" API:READ", "smtp"])) == ("smtp", "api:read")
    assert parse_scopes(scope.value for scope in Scope) == frozenset(Scope)


def test_an_unknown_word_is_an_error_that_lists_the_scopes() -> None:
    with pytest.raises(InvalidName, match="api:read"):
        parse_scopes(["smpt"])


def test_users_never_hold_internal() -> None:
    assert Scope.INTERNAL not in USER_SCOPES


def test_what_a_principal_may() -> None:
    principal = Principal(None, None, "", frozenset({Scope.IMAP}))
    assert principal.may(Scope.SMTP, Scope.IMAP)
    assert not principal.may(Scope.SMTP)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert Peer(host).is_loopback


@pytest.mark.parametrize("host", ["192.0.2.1", "::2", "1127.0.0.1", "::ffff:192.0.2.1", ""])
def test_not_loopback(host: str) -> None:
    assert not Peer(host).is_loopback
