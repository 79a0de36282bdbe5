"""XOAUTH2, with the example of Google's protocol page as vector."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl import TOKEN_LIMIT, Challenge, OAuthError, SaslSyntax, SaslTooLong, start

GOOGLE = base64.b64decode(
    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
)
TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"


def step(response: bytes | None) -> Challenge | Credential:
    return start("XOAUTH2", tls_or_loopback_ok=True).step(response)


def test_googles_example(log_in):
    credential = log_in("XOAUTH2", GOOGLE)
    assert credential == Credential(CredentialKind.BEARER, "someuser@example.com", TOKEN, "", "XOAUTH2")
    assert log_in("XOAUTH2", None, GOOGLE) == credential


def test_the_scheme_is_matched_in_any_case_and_unknown_pairs_are_ignored(log_in):
    credential = log_in("XOAUTH2", b"user=a@example.test\x01auth=bearer t0k\x01vendor=x\x01\x01")
    assert (credential.identity, credential.secret) == ("a@example.test", "t0k")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x01",
        b"user=a@example.test\x01auth=Bearer t",
        b"user=a@example.test\x01auth=Bearer t\x01",
        b"auth=Bearer t\x01\x01",
        b"user=\x01auth=Bearer t\x01\x01",
        b"user=a@example.test\x01\x01",
        b"user=a@example.test\x01auth=Basic t\x01\x01",
        b"user=a@example.test\x01auth=Bearer t t\x01\x01",
        b"user=a@example.test\x01auth=Bearert\x01\x01",
        b"user=a@example.test\x01user=b@example.test\x01auth=Bearer t\x01\x01",
        b"user=a\0@example.test\x01auth=Bearer t\x01\x01",
        b"user=\xff@example.test\x01auth=Bearer t\x01\x01",
        b"us er=a@example.test\x01auth=Bearer t\x01\x01",
        b"k=v\x01" * 17 + b"\x01",
    ],
)
def test_not_the_grammar(response):
    with pytest.raises(SaslSyntax):
        step(response)


def test_a_token_of_sixteen_kib_passes_and_one_octet_more_does_not(log_in):
    message = b"user=a@example.test\x01auth=Bearer %s\x01\x01"
    assert len(log_in("XOAUTH2", message % (b"t" * TOKEN_LIMIT)).secret) == TOKEN_LIMIT
    with pytest.raises(SaslTooLong):
        step(message % (b"t" * (TOKEN_LIMIT + 1)))


def test_the_failure_challenge_is_googles_object():
    told = start("XOAUTH2", tls_or_loopback_ok=True).failure()
    assert json.loads(told or b"") == {"status": "401", "schemes": "bearer"}


def test_the_failure_challenge_names_the_missing_scope():
    told = start("XOAUTH2", tls_or_loopback_ok=True).failure(OAuthError("insufficient_scope", "imap"))
    assert json.loads(told or b"") == {"status": "403", "schemes": "bearer", "scope": "imap"}


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"user=", b"auth=", b"Bearer ", b"\x01", b"a"])).map(b"".join)
)
def test_any_octets_give_a_credential_or_a_syntax_error(octets):
    try:
        outcome = step(octets)
    except SaslSyntax:
        return
    assert isinstance(outcome, Credential)
    assert outcome.identity
