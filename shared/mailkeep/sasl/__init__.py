"""SASL (RFC 4422): the server's half of four mechanisms, as machines that do no IO.

A protocol core hands decoded responses in and gets a challenge to send or a credential to verify. Base64,
the "*" that cancels and the final code are the protocol's business; whether the credential is any good
is `mailkeep.auth`'s. Every mechanism here hands the secret over as it is, so `start` refuses them all
on a connection that others can read.
"""

from __future__ import annotations

from mailkeep.sasl.login import Login
from mailkeep.sasl.mechanism import (
    RESPONSE_LIMIT,
    TOKEN_LIMIT,
    Challenge,
    Mechanism,
    OAuthError,
    PrivacyRequired,
    SaslCancelled,
    SaslSyntax,
    SaslTooLong,
    UnknownMechanism,
)
from mailkeep.sasl.oauthbearer import OAuthBearer
from mailkeep.sasl.plain import Plain
from mailkeep.sasl.xoauth2 import XOAuth2

__all__ = [
    "MECHANISMS",
    "RESPONSE_LIMIT",
    "TOKEN_LIMIT",
    "Challenge",
    "Mechanism",
    "OAuthError",
    "PrivacyRequired",
    "SaslCancelled",
    "SaslSyntax",
    "SaslTooLong",
    "UnknownMechanism",
    "start",
]

_MECHANISMS: dict[str, type[Plain | Login | XOAuth2 | OAuthBearer]] = {
    "PLAIN": Plain,
    "LOGIN": Login,
    "XOAUTH2": XOAuth2,
    "OAUTHBEARER": OAuthBearer,
}

MECHANISMS: tuple[str, ...] = tuple(_MECHANISMS)
"""Names in the order in which they are advertised."""


def start(name: str, *, tls_or_loopback_ok: bool) -> Mechanism:
    """A fresh exchange by `name`, which is matched without regard to case (RFC 4422 section 3.1 has
    upper case on the wire, clients do not).

    `tls_or_loopback_ok` says that nobody else reads the connection, or that the operator permitted
    plaintext from loopback. Raises UnknownMechanism, PrivacyRequired.
    """
    mechanism = _MECHANISMS.get(name.upper())
    if mechanism is None:
        raise UnknownMechanism("That authentication mechanism is not one of " + ", ".join(MECHANISMS) + ".")
    if not tls_or_loopback_ok:
        raise PrivacyRequired("This mechanism is only available over TLS.")
    return mechanism()
