"""LOGIN as Outlook and curl speak it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl import TOKEN_LIMIT, Challenge, SaslSyntax, SaslTooLong, start


def test_the_whole_exchange():
    mechanism = start("LOGIN", tls_or_loopback_ok=True)
    assert mechanism.step(None) == Challenge(b"Username:")
    assert mechanism.step(b"demo@example.test") == Challenge(b"Password:")
    assert mechanism.step(b"secret") == Credential(
        CredentialKind.PASSWORD, "demo@example.test", "secret", "", "LOGIN"
    )
    assert mechanism.failure() is None


def test_the_user_name_may_come_as_initial_response(log_in):
    assert log_in("LOGIN", b"demo@example.test", b"secret").identity == "demo@example.test"


@pytest.mark.parametrize(
    "responses", [(b"",), (None, b""), (None, b"demo", b""), (None, b"de\0mo"), (None, b"\xff")]
)
def test_not_the_grammar(responses, log_in):
    with pytest.raises(SaslSyntax):
        log_in("LOGIN", *responses)


def test_limits(log_in):
    with pytest.raises(SaslTooLong):
        log_in("LOGIN", None, b"d" * 1025)
    with pytest.raises(SaslTooLong):
        log_in("LOGIN", None, b"demo", b"k" * (TOKEN_LIMIT + 1))


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=2))
def test_any_octets_give_a_credential_or_a_syntax_error(responses):
    mechanism = start("LOGIN", tls_or_loopback_ok=True)
    try:
        outcomes = [mechanism.step(response) for response in responses]
    except SaslSyntax:
        return
    assert [type(outcome) for outcome in outcomes] == [Challenge, Credential]
