"""CAPA differs by state and by TLS: RFC 2449 section 6, RFC 2595 section 4, RFC 5034 section 3."""

from __future__ import annotations

from mailkeep.pop3.capabilities import Offer, capabilities
from mailkeep.pop3.state import State

ALWAYS = (
    "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8 USER", "LANG",
)  # fmt: skip
MECHANISMS = ("PLAIN", "LOGIN")


def test_in_the_clear_nothing_invites_a_secret() -> None:
    offer = Offer(MECHANISMS, plaintext=False, stls=True)
    assert capabilities(State.AUTHORIZATION, offer) == (*ALWAYS, "STLS")


def test_a_delay_between_logins_is_told_if_there_is_one() -> None:
    offer = Offer(MECHANISMS, plaintext=True, stls=False, login_delay=60)
    assert "LOGIN-DELAY 60" in capabilities(State.AUTHORIZATION, offer)


def test_over_tls() -> None:
    offer = Offer(MECHANISMS, plaintext=True, stls=False)
    assert capabilities(State.AUTHORIZATION, offer) == (*ALWAYS, "USER", "SASL PLAIN LOGIN")


def test_in_the_clear_from_loopback_when_permitted() -> None:
    offer = Offer(MECHANISMS, plaintext=True, stls=True)
    assert capabilities(State.AUTHORIZATION, offer) == (*ALWAYS, "USER", "SASL PLAIN LOGIN", "STLS")


def test_after_authentication_stls_is_gone_and_the_server_says_who_it_is() -> None:
    offer = Offer(MECHANISMS, plaintext=True, stls=True)
    assert capabilities(State.TRANSACTION, offer) == (
        *ALWAYS, "USER", "SASL PLAIN LOGIN", "IMPLEMENTATION Mailkeep",
    )  # fmt: skip
