"""What holds for every mechanism."""

from __future__ import annotations

import pytest

from mailkeep.sasl import MECHANISMS, Challenge, PrivacyRequired, UnknownMechanism, start

SECRET = b"mk_nobodymayreadthis"
FINAL_RESPONSES = {
    "PLAIN": [b"\0a@example.test\0" + SECRET],
    "LOGIN": [b"a@example.test", SECRET],
    "XOAUTH2": [b"user=a@example.test\x01auth=Bearer " + SECRET + b"\x01\x01"],
    "OAUTHBEARER": [b"n,,\x01auth=Bearer " + SECRET + b"\x01\x01"],
}


def test_the_four():
    assert MECHANISMS == ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")


@pytest.mark.parametrize("name", MECHANISMS)
def test_names_are_matched_in_any_case_and_each_exchange_is_its_own(name):
    first = start(name.lower(), tls_or_loopback_ok=True)
    assert first.name == name
    assert start(name, tls_or_loopback_ok=True) is not first


@pytest.mark.parametrize("name", ["", "CRAM-MD5", "PLAIN ", "SCRAM-SHA-256", "ANONYMOUS"])
def test_others_are_unknown(name):
    with pytest.raises(UnknownMechanism):
        start(name, tls_or_loopback_ok=True)


@pytest.mark.parametrize("name", MECHANISMS)
def test_none_starts_where_others_can_read(name):
    with pytest.raises(PrivacyRequired):
        start(name, tls_or_loopback_ok=False)


@pytest.mark.parametrize("name", MECHANISMS)
def test_no_repr_shows_the_secret(name):
    mechanism = start(name, tls_or_loopback_ok=True)
    outcomes = [mechanism.step(response) for response in FINAL_RESPONSES[name]]
    assert not isinstance(outcomes[-1], Challenge)
    assert SECRET.decode() == outcomes[-1].secret
    assert SECRET.decode() not in repr(outcomes) + str(outcomes) + repr(mechanism) + repr(vars(mechanism))
