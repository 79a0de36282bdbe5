"""The pairs and the token that XOAUTH2 and OAUTHBEARER share: RFC 7628 section 3.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.sasl import SaslSyntax
from mailkeep.sasl.bearer import PAIRS_LIMIT, bearer_token, parse_pairs

keys = st.text("abcXYZ", min_size=1, max_size=8)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(st.dictionaries(keys.map(str.lower), values, max_size=PAIRS_LIMIT))
def test_pairs_come_back(pairs):
    octets = b"".join(f"{key}={value}\x01".encode() for key, value in pairs.items()) + b"\x01"
    assert parse_pairs(octets) == {key.encode(): value.encode() for key, value in pairs.items()}


def test_no_pairs_at_all_are_well_formed():
    assert parse_pairs(b"\x01") == {}


def test_keys_are_matched_in_any_case_and_so_counted_once():
    assert parse_pairs(b"Auth=x\x01\x01") == {b"auth": b"x"}
    with pytest.raises(SaslSyntax):
        parse_pairs(b"Auth=x\x01auth=y\x01\x01")


@pytest.mark.parametrize(
    "octets", [b"", b"a=b", b"a=b\x01", b"=b\x01\x01", b"a\x01\x01", b"a=\x00\x01\x01", b"\x01\x01"]
)
def test_not_the_grammar(octets):
    with pytest.raises(SaslSyntax):
        parse_pairs(octets)


@pytest.mark.parametrize(
    "value", [b"Bearer abc.d-e_f~+/=", b"bearer  abc.d-e_f~+/= ", b"BEARER abc.d-e_f~+/="]
)
def test_the_token(value):
    assert bearer_token(value) == "abc.d-e_f~+/="


def test_an_empty_value_asks_what_is_wanted():
    assert bearer_token(b"") == bearer_token(b"  ") == ""


@pytest.mark.parametrize("value", [b"Bearer", b"Basic abc", b"abc", b"Bearer a b", b"Bearer a\tb"])
def test_no_bearer_token(value):
    with pytest.raises(SaslSyntax):
        bearer_token(value)
