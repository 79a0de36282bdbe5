"""The AUTH exchange (RFC 4954 section 4): SASL's steps in base64, then the one door."""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from mailkeep import sasl
from mailkeep.auth import Authenticator
from mailkeep.errors import AuthenticationFailed, PeerError
from mailkeep.model.principal import Peer, Principal
from mailkeep.model.scope import Scope
from mailkeep.smtp.errors import Base64Syntax

_SCOPES = frozenset({Scope.SMTP})


class Dialogue(Protocol):
    """Sends one challenge and gives back the client's line."""

    async def __call__(self, challenge: bytes) -> bytes:
        """`challenge` is base64 already; the answer is the line as it came."""


async def authenticate(
    argument: str, private: bool, peer: Peer, authenticator: Authenticator, dialogue: Dialogue
) -> Principal:
    """Run the mechanism that AUTH's `argument` names. `private` says that nobody else reads the connection.

    Raises PeerError, UnknownMechanism, PrivacyRequired, AuthenticationFailed, Throttled, StoreUnavailable.
    """
    name, _, initial = argument.partition(" ")
    mechanism = sasl.start(name, tls_or_loopback_ok=private)
    step = mechanism.step(_initial_response(initial.strip()))
    while isinstance(step, sasl.Challenge):
        step = mechanism.step(_decoded(await dialogue(base64.b64encode(step.octets))))
    try:
        return await authenticator.authenticate(step, _SCOPES, peer)
    except AuthenticationFailed as error:
        await _tell(mechanism, authenticator.explain(error, step.identity), dialogue)
        raise


async def _tell(mechanism: sasl.Mechanism, reason: sasl.OAuthError, dialogue: Dialogue) -> None:
    """The bearer mechanisms say why in a challenge first; whatever the client answers, it is over."""
    told = mechanism.failure(reason)
    if told is None:
        return
    try:
        await dialogue(base64.b64encode(told))
    except PeerError:
        return


def _initial_response(text: str) -> bytes | None:
    if not text:
        return None
    return b"" if text == "=" else _decoded(text.encode())  # RFC 4954 section 4: "=" is an empty one


def _decoded(line: bytes) -> bytes:
    if line == b"*":
        raise sasl.SaslCancelled("Authentication cancelled.")
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error:
        raise Base64Syntax("The response is not base64.") from None
