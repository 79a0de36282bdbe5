"""OAUTHBEARER, with the examples of RFC 7628 section 4 as vectors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl import TOKEN_LIMIT, Challenge, OAuthError, SaslSyntax, SaslTooLong, start
from mailkeep.sasl.oauthbearer import OAuthBearer

SECTION_4_1 = base64.b64decode(
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
SECTION_4_3 = base64.b64decode(
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="
)
SECTION_4_3_CHALLENGE = base64.b64decode(
    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4"
    "YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
)


def step(response: bytes | None) -> Challenge | Credential:
    return start("OAUTHBEARER", tls_or_loopback_ok=True).step(response)


def test_rfc_7628_section_4_1_successful_exchange():
    mechanism = OAuthBearer()
    outcome = mechanism.step(SECTION_4_1)
    assert outcome == Credential(
        CredentialKind.BEARER,
        "user@example.com",
        "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        "user@example.com",
        "OAUTHBEARER",
    )
    assert (mechanism.host, mechanism.port) == ("server.example.com", 143)


def test_rfc_7628_section_4_3_failed_exchange_with_discovery(log_in):
    assert log_in("OAUTHBEARER", SECTION_4_3).secret == ""  # an empty auth asks what the server wants
    told = OAuthBearer().failure(
        OAuthError("invalid_token", "example_scope", "https://example.com/.well-known/openid-configuration")
    )
    assert told == SECTION_4_3_CHALLENGE


def test_without_initial_response_an_empty_challenge_asks_for_it(log_in):
    assert step(None) == Challenge(b"")
    assert log_in("OAUTHBEARER", None, SECTION_4_1).identity == "user@example.com"


def test_failure_leaves_out_what_is_not_known():
    assert json.loads(OAuthBearer().failure()) == {"status": "invalid_token"}


def test_the_identity_is_optional_and_unescaped(log_in):
    assert log_in("OAUTHBEARER", b"n,,\x01auth=Bearer t\x01\x01").identity == ""
    credential = log_in("OAUTHBEARER", b"y,a=a=2Cb=3Dc@example.test,\x01auth=Bearer t\x01\x01")
    assert credential.identity == "a,b=c@example.test"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x01",  # the answer to a failure challenge opens no exchange
        b"n,,",
        b"n,,\x01",
        b"n,,\x01\x01",
        b"n,\x01auth=Bearer t\x01\x01",
        b"n,a=,\x01auth=Bearer t\x01\x01",
        b"n,a=a=2cb,\x01auth=Bearer t\x01\x01",
        b"n,user=a@example.test,\x01auth=Bearer t\x01\x01",
        b"F,n,,\x01auth=Bearer t\x01\x01",
        b"p=tls-exporter,,\x01auth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer t",
        b"n,,\x01auth=Bearer t\x01",
        b"n,,\x01auth=Bearer t\x01port=0\x01\x01",
        b"n,,\x01auth=Bearer t\x01port=65536\x01\x01",
        b"n,,\x01auth=Bearer t\x01port=imap\x01\x01",
        b"n,,\x01host=a\x01\x01",
        b"n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
        b"n,a=\xff,\x01auth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer \xc3\xa9\x01\x01",
    ],
)
def test_not_the_grammar(response):
    with pytest.raises(SaslSyntax):
        step(response)


def test_a_token_of_sixteen_kib_passes_and_one_octet_more_does_not(log_in):
    message = b"n,a=a@example.test,\x01auth=Bearer %s\x01\x01"
    assert len(log_in("OAUTHBEARER", message % (b"t" * TOKEN_LIMIT)).secret) == TOKEN_LIMIT
    with pytest.raises(SaslTooLong):
        step(message % (b"t" * (TOKEN_LIMIT + 1)))


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40),
    st.text("abcXYZ019-._~+/=", min_size=1),
)
def test_any_identity_survives_its_escapes(identity, token):
    escaped = identity.replace("=", "=3D").replace(",", "=2C")
    outcome = step(f"n,a={escaped},\x01auth=Bearer {token}\x01\x01".encode())
    assert isinstance(outcome, Credential)
    assert (outcome.identity, outcome.secret) == (identity, token)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"n,", b"a=", b",", b"auth=", b"Bearer ", b"port=", b"\x01", b"9"])).map(
        b"".join
    )
)
def test_any_octets_give_a_credential_or_a_syntax_error(octets):
    try:
        outcome = step(octets)
    except SaslSyntax:
        return
    assert isinstance(outcome, Credential)
