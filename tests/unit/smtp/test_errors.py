"""Errors to codes: RFC 5321 section 4.2, RFC 3463, RFC 5248, RFC 4954 section 6."""

from __future__ import annotations

import pytest

from mailkeep import errors as domain
from mailkeep import sasl
from mailkeep.smtp import errors as smtp
from mailkeep.smtp.errors import auth_reply_for, is_fault, reply_for


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (smtp.CommandUnknown("x"), b"500 5.5.1 x"),
        (smtp.LineTooLong("x"), b"500 5.5.2 x"),
        (smtp.ArgumentSyntax("x"), b"501 5.5.4 x"),
        (smtp.HelloSyntax("x"), b"501 x"),  # RFC 2034 section 4
        (smtp.SenderSyntax("x"), b"501 5.1.7 x"),
        (smtp.RecipientSyntax("x"), b"501 5.1.3 x"),
        (smtp.ParameterUnknown("x"), b"555 5.5.4 x"),
        (smtp.BadSequence("x"), b"503 5.5.1 x"),
        (smtp.TlsRequired("x"), b"530 5.7.0 x"),
        (smtp.TooManyRecipients("x"), b"452 4.5.3 x"),
        (smtp.ContentRefused("x"), b"550 5.6.0 x"),
        (smtp.RoutingLoop("x"), b"554 5.4.6 x"),
        (smtp.TimedOut("x"), b"421 4.4.2 x"),
        (smtp.NotSmtp("x"), b"421 4.7.0 x"),
        (smtp.ShuttingDown("x"), b"421 4.3.2 x"),
        (domain.TooLarge("x"), b"552 5.3.4 x"),
        (domain.RelayDenied("x"), b"550 5.7.1 x"),
        (domain.SenderRefused("x"), b"550 5.7.1 x"),
        (domain.RecipientRefused("x"), b"550 5.1.1 x"),
        (domain.TooManyConnections("x"), b"421 4.7.0 x"),
        (domain.AuthenticationFailed("x"), b"535 5.7.8 x"),
        (domain.ScopeMissing("x"), b"535 5.7.8 x"),
        (domain.Throttled("x"), b"454 4.7.0 x"),
        (sasl.UnknownMechanism("x"), b"504 5.5.4 x"),
        (sasl.PrivacyRequired("x"), b"538 5.7.11 x"),
        (sasl.SaslCancelled("x"), b"501 5.7.0 x"),
        (sasl.SaslSyntax("x"), b"501 5.5.2 x"),
        (sasl.SaslTooLong("x"), b"500 5.5.6 x"),
    ],
)
def test_the_table(error: Exception, start: bytes) -> None:
    assert reply_for(error).octets == start + b"\r\n"
    assert not is_fault(error)


def test_a_fault_says_nothing_but_its_reference() -> None:
    for error in (domain.StoreUnavailable("connect to 10.0.0.1 refused"), ZeroDivisionError("secret")):
        assert is_fault(error)
        octets = reply_for(error, "0badcafe").octets
        assert octets == b"451 4.3.0 A local error; try again later (reference 0badcafe)\r\n"
        assert auth_reply_for(error, "0badcafe").octets.startswith(b"454 4.7.0 ")


def test_a_full_spool_is_our_fault_and_temporary() -> None:
    assert reply_for(domain.SpoolUnavailable("/var/lib/x"), "r").octets.startswith(b"452 4.3.1 A local error")


def test_every_refusal_and_every_peers_error_has_a_code() -> None:
    for module in (domain, smtp, sasl):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, domain.PeerError | domain.Refusal | smtp.Ending):
                assert reply_for(kind("x")).code in range(421, 556)
