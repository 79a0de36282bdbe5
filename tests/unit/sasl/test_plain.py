"""RFC 4616, with its section 4 as vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl import RESPONSE_LIMIT, TOKEN_LIMIT, Challenge, SaslSyntax, SaslTooLong, start

printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)


def step(response: bytes | None) -> Challenge | Credential:
    return start("PLAIN", tls_or_loopback_ok=True).step(response)


def test_rfc_4616_section_4_first_example(log_in):
    credential = log_in("PLAIN", b"\0tim\0tanstaaftanstaaf")
    assert credential == Credential(CredentialKind.PASSWORD, "tim", "tanstaaftanstaaf", "", "PLAIN")


def test_rfc_4616_section_4_authorization_identity(log_in):
    credential = log_in("PLAIN", b"Ursel\0Kurt\0xipj3plmq")
    assert (credential.authorization_identity, credential.identity) == ("Ursel", "Kurt")


def test_without_initial_response_an_empty_challenge_asks_for_it(log_in):
    assert step(None) == Challenge(b"")
    assert log_in("PLAIN", None, b"\0tim\0secret").secret == "secret"


@pytest.mark.parametrize(
    "response",
    [b"", b"tim", b"\0tim", b"\0\0secret", b"\0tim\0", b"\0tim\0secret\0", b"a\0b\0c\0d", b"\0tim\0sec\nret"],
)
def test_not_the_grammar(response):
    with pytest.raises(SaslSyntax):
        step(response)


@pytest.mark.parametrize("response", [b"\0t\xffm\0secret", b"\0tim\0\xc3", b"\xed\xa0\x80\0tim\0secret"])
def test_not_utf_8(response):
    with pytest.raises(SaslSyntax, match="UTF-8") as caught:
        step(response)
    assert caught.value.__context__ is None  # a UnicodeDecodeError would carry the octets


def test_the_largest_token_passes_and_one_octet_more_does_not(log_in):
    assert len(log_in("PLAIN", b"\0tim\0" + b"k" * TOKEN_LIMIT).secret) == TOKEN_LIMIT
    with pytest.raises(SaslTooLong):
        step(b"\0tim\0" + b"k" * (TOKEN_LIMIT + 1))
    with pytest.raises(SaslTooLong):
        step(b"\0" * (RESPONSE_LIMIT + 1))


def test_text_is_compared_in_its_prepared_form(log_in):
    # RFC 4013 section 3: SOFT HYPHEN goes, FEMININE ORDINAL INDICATOR becomes "a"
    credential = log_in("PLAIN", "\0I\u00adX@example.test\0\u00aa".encode())
    assert (credential.identity, credential.secret) == ("IX@example.test", "a")


@given(authorization=st.just("") | printable, identity=printable, secret=printable)
def test_what_goes_in_comes_out(authorization, identity, secret):
    outcome = step(f"{authorization}\0{identity}\0{secret}".encode())
    assert outcome == Credential(CredentialKind.PASSWORD, identity, secret, authorization, "PLAIN")


@given(st.binary(max_size=300))
def test_any_octets_give_a_credential_or_a_syntax_error(octets):
    try:
        outcome = step(octets)
    except SaslSyntax:
        return
    assert isinstance(outcome, Credential)
    assert "\0" not in outcome.identity + outcome.secret


def test_it_has_no_failure_challenge():
    assert start("plain", tls_or_loopback_ok=True).failure() is None
