"""AUTHENTICATE and LOGIN. Both lead to one credential and one `Authenticator`."""

from __future__ import annotations

import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from mailkeep import sasl
from mailkeep.errors import AuthenticationFailed
from mailkeep.imap.commands.authenticate import Authenticate, Login
from mailkeep.imap.limits import SASL_LINE
from mailkeep.model.principal import Credential
from mailkeep.model.scope import Scope
from mailkeep_imap.capabilities import capability_code
from mailkeep_imap.outcome import Done, Exchange

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

_SCOPES = frozenset({Scope.IMAP})


async def login(session: Session, command: Login) -> Done:
    """RFC 9051 section 6.2.3: the same rules for text and size as SASL PLAIN."""
    plain = sasl.start("PLAIN", tls_or_loopback_ok=session.is_private)
    credential = plain.step(b"\0%b\0%b" % (command.user, command.password))
    assert isinstance(credential, Credential)
    return await _enter(session, replace(credential, mechanism="LOGIN"))


async def authenticate(session: Session, command: Authenticate) -> Done | None:
    """RFC 9051 section 6.2.2, with an initial response (RFC 4959)."""
    mechanism = sasl.start(command.mechanism, tls_or_loopback_ok=session.is_private)
    return await _step(session, command.tag, mechanism, command.initial_response)


async def _step(session: Session, tag: str, mechanism: sasl.Mechanism, response: bytes | None) -> Done | None:
    outcome = mechanism.step(response)
    if isinstance(outcome, sasl.Challenge):

        async def take(session: Session, line: bytes) -> Done | None:
            return await _step(session, tag, mechanism, _decoded(line))

        _challenge(session, outcome.octets, Exchange(tag, take, SASL_LINE))
        return None
    try:
        return await _enter(session, outcome)
    except AuthenticationFailed as error:
        explanation = mechanism.failure(session.host.authenticator.explain(error, outcome.identity))
        if explanation is None:
            raise
        _explain(session, tag, explanation, error)
        return None


def _explain(session: Session, tag: str, explanation: bytes, error: AuthenticationFailed) -> None:
    """RFC 7628 section 3.2.3: the bearer mechanisms explain first, and refuse after the client's answer."""

    async def take(session: Session, line: bytes) -> Done | None:
        raise error

    _challenge(session, explanation, Exchange(tag, take, SASL_LINE))


def _challenge(session: Session, octets: bytes, exchange: Exchange) -> None:
    session.send(b"+ %b\r\n" % binascii.b2a_base64(octets, newline=False))
    session.expect(exchange)


def _decoded(line: bytes) -> bytes:
    if line == b"*":
        raise sasl.SaslCancelled("AUTHENTICATE was cancelled.")
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        raise sasl.SaslSyntax("The response is not base64.") from None


async def _enter(session: Session, credential: Credential) -> Done:
    principal = await session.host.authenticator.authenticate(credential, _SCOPES, session.peer)
    if principal.account_id is None:
        raise AuthenticationFailed("A service key opens no mailbox.")
    session.enter(principal)
    return Done("You are logged in.", capability_code(session))
