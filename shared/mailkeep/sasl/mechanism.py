"""What all mechanisms share: the contract, the errors, the limits and the rules for text.

A mechanism is used once. It keeps nothing of a secret after it has handed out the credential, and no
error of it repeats what the peer sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mailkeep.errors import LimitExceeded, PeerError, Refusal
from mailkeep.model.principal import Credential
from mailkeep.sasl.saslprep import NotPreparable, saslprep

TOKEN_LIMIT = 16 * 1024
"""Octets of one secret. Access tokens of large issuers, with group claims, reach several KiB."""

IDENTITY_LIMIT = 1024
"""Octets of one identity: four times what an address can have (RFC 5321 section 4.5.3.1.3)."""

RESPONSE_LIMIT = TOKEN_LIMIT + 2 * IDENTITY_LIMIT
"""Octets of one response after base64: a secret, two identities, and the framing between them."""


class SaslSyntax(PeerError):
    """The response does not follow the mechanism's grammar."""


class SaslTooLong(SaslSyntax, LimitExceeded):
    """The response, or one of its parts, is longer than its limit."""


class SaslCancelled(PeerError):
    """The client gave up the exchange (RFC 4422 section 3.5). Protocols raise it when they read "*"."""


class UnknownMechanism(Refusal):
    """No mechanism of that name is offered."""


class PrivacyRequired(Refusal):
    """The mechanism shows the secret to whoever reads the connection, and this one is not private."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Octets to send to the client, before base64; empty ones are sent too."""

    octets: bytes = b""


@dataclass(frozen=True, slots=True)
class OAuthError:
    """What the bearer mechanisms say about a refused token (RFC 7628 section 3.2.2).

    `status` is an RFC 6750 section 3.1 error; `scope` names what the token lacks; `openid_configuration`
    is the URL of the issuer's discovery document, "" if there is no issuer.
    """

    status: str = "invalid_token"
    scope: str = ""
    openid_configuration: str = ""


class Mechanism(Protocol):
    """One exchange, from its first octet to a credential or an error."""

    name: str

    def step(self, response: bytes | None) -> Challenge | Credential:
        """Take the client's next response and say what is next.

        None on the first call means that there was no initial response; b"" is an empty one. After a
        Credential the exchange is over. Raises SaslSyntax, and SaslTooLong past a limit.
        """

    def failure(self, error: OAuthError = OAuthError()) -> bytes | None:
        """The challenge to send when the credential was refused, or None if the mechanism has none.

        The client answers it with one response that says nothing (or with "*"): the protocol reads it
        and only then sends its final refusal.
        """


def check_response(response: bytes) -> None:
    """Raises SaslTooLong past RESPONSE_LIMIT: called before anything looks at the octets."""
    if len(response) > RESPONSE_LIMIT:
        raise SaslTooLong(f"The response is longer than {RESPONSE_LIMIT} octets.")


def identity_text(octets: bytes) -> str:
    """An identity as prepared text; may be empty. Raises SaslSyntax, SaslTooLong."""
    if len(octets) > IDENTITY_LIMIT:
        raise SaslTooLong(f"The identity is longer than {IDENTITY_LIMIT} octets.")
    return _prepared(octets, "identity")


def secret_text(octets: bytes) -> str:
    """A secret as prepared text; may be empty. Raises SaslSyntax, SaslTooLong."""
    if len(octets) > TOKEN_LIMIT:
        raise SaslTooLong(f"The secret is longer than {TOKEN_LIMIT} octets.")
    return _prepared(octets, "secret")


def _prepared(octets: bytes, what: str) -> str:
    text = _decoded(octets)
    if text is None:
        raise SaslSyntax(f"The {what} is not UTF-8.")
    try:
        return saslprep(text)
    except NotPreparable:
        raise SaslSyntax(f"The {what} holds a character that may not stand there.") from None


def _decoded(octets: bytes) -> str | None:
    """None instead of a UnicodeDecodeError, which would carry the octets along as its context."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
