"""The AUTHORIZATION state: USER and PASS, AUTH, STLS, and what leads to an open maildrop.

Whoever the client claims to be, the answer to USER is the same, and so is the refusal of a wrong credential
and of an unknown name. A maildrop that is in use leaves the session here: the client may try again.
"""

from __future__ import annotations

from typing import Protocol

from mailkeep.errors import AuthenticationFailed, PeerError, ScopeMissing
from mailkeep.model.principal import Credential, CredentialKind, Principal
from mailkeep.model.scope import Scope
from mailkeep.pop3 import Connection
from mailkeep.pop3 import commands as c
from mailkeep.pop3.errors import BadArguments, Pop3Syntax, PrivacyNeeded, WrongState
from mailkeep.pop3.replies import challenge, multi_line, ok
from mailkeep.sasl import MECHANISMS, Challenge, Mechanism, start
from mailkeep.sasl.saslprep import NotPreparable, saslprep
from mailkeep_pop3.maildrop import Maildrop
from mailkeep_pop3.services import (
    NOT_STEPPED,
    Answer,
    Pieces,
    Services,
    Stepped,
    Wire,
    answer_capa,
    answer_lang,
    plaintext_ok,
)

POP3_ONLY = frozenset({Scope.POP3})


class Doors(Protocol):
    """The ways in which a session changes under its commands."""

    def begin_tls(self) -> None:
        """Answer STLS, send all that was answered, then start TLS."""

    def enter(self, principal: Principal, maildrop: Maildrop) -> None:
        """Go on to TRANSACTION with an open maildrop."""

    def lock_lost(self) -> None:
        """The maildrop's lock broke: refuse what comes next, and end."""


class Authorization:
    """Reads and answers one command, or one SASL response, at a `step`."""

    __slots__ = (
        "_connection",
        "_doors",
        "_exchange",
        "_name",
        "_refusal",
        "_services",
        "_utf8",
        "_wire",
        "stepped",
    )

    def __init__(self, services: Services, wire: Wire, connection: Connection, doors: Doors) -> None:
        self._services = services
        self._wire = wire
        self._connection = connection
        self._doors = doors
        self._name: str | None = None
        self._exchange: Mechanism | None = None
        self._refusal: AuthenticationFailed | None = None  # told once the client has answered its challenge
        self._utf8 = False
        self.stepped = NOT_STEPPED

    def step(self) -> Answer | None:
        """The answer to what is next; None if nothing is. Raises what becomes -ERR."""
        if self._refusal is not None:
            return self._read_dummy_response(self._refusal)
        if self._exchange is not None:
            return self._read_response(self._exchange)
        command = self._connection.next_command()
        if command is None:
            return None
        self.stepped = Stepped(type(command))
        return self._answer(command)

    def _answer(self, command: c.Command) -> Answer:
        match command:
            case c.User(name):
                return self._user(name)
            case c.Pass(secret):
                return self._pass(secret)
            case c.Auth(mechanism, initial):
                return self._auth(mechanism, initial)
            case c.Stls():
                return self._stls()
            case c.Utf8():
                self._utf8 = True
                return ok("UTF-8 mode.")
            case c.Lang(wanted):
                return answer_lang(wanted)
            case c.Quit():
                self._connection.finish()  # RFC 1939 section 4: no UPDATE from here
                return ok("Bye.")
            case _:
                return answer_capa(self._services, self._wire, self._connection.state)

    # --- USER and PASS ----------------------------------------------------------------------------

    def _user(self, name: str) -> bytes:
        self._check_privacy()
        self._name = _prepared(name)
        return ok("Send PASS.")

    def _pass(self, secret: str) -> Answer:
        self._check_privacy()
        name, self._name = self._name, None
        if name is None:
            raise WrongState("USER comes before PASS.")
        credential = Credential(CredentialKind.PASSWORD, name, _prepared(secret), mechanism="USER")
        return self._log_in(credential, None)

    # --- SASL, RFC 5034 -----------------------------------------------------------------------------

    def _auth(self, name: str | None, initial: bytes | None) -> Answer:
        self._check_privacy()
        if name is None:
            return multi_line("Mechanisms follow.", MECHANISMS)
        return self._take(start(name, tls_or_loopback_ok=True), initial)

    def _take(self, mechanism: Mechanism, response: bytes | None) -> Answer:
        outcome = mechanism.step(response)
        if isinstance(outcome, Challenge):
            self._exchange = mechanism
            return challenge(outcome.octets)
        return self._log_in(outcome, mechanism)

    def _read_response(self, mechanism: Mechanism) -> Answer | None:
        try:
            response = self._connection.next_response()
            if response is None:
                return None
            self._exchange = None
            return self._take(mechanism, response)
        except PeerError:
            self._exchange = None
            raise

    def _read_dummy_response(self, refusal: AuthenticationFailed) -> Answer | None:
        """Whatever the client answers to the error challenge, it is refused (RFC 7628 section 3.2.3)."""
        try:
            if self._connection.next_response() is None:
                return None
        except Pop3Syntax:  # "*" is a usual answer
            pass
        self._refusal = None
        raise refusal

    # --- the way in ---------------------------------------------------------------------------------

    async def _log_in(self, credential: Credential, mechanism: Mechanism | None) -> Pieces:
        door = self._services.authenticator
        try:
            principal = await door.authenticate(credential, POP3_ONLY, self._wire.peer)
            if principal.account_id is None:
                raise ScopeMissing("A service key has no maildrop.")
        except AuthenticationFailed as refusal:
            told = mechanism.failure(door.explain(refusal, credential.identity)) if mechanism else None
            if told is None:
                raise
            self._refusal = refusal
            yield challenge(told)
            return
        shared, lost = self._services, self._doors.lock_lost
        shared.logins.check(principal.account_id)
        maildrop = await Maildrop.open(
            shared.store, principal.account_id, shared.recent, lost, utf8=self._utf8
        )
        shared.logins.note(principal.account_id)
        self._doors.enter(principal, maildrop)
        messages, octets = maildrop.totals()
        yield ok(f"{messages} messages ({octets} octets).")

    def _stls(self) -> bytes:
        if self._wire.peer.tls:
            raise WrongState("TLS is on already.")
        if not self._wire.offers_tls:
            raise WrongState("TLS is not available.")
        if self._utf8:
            raise WrongState("STLS comes before UTF8.")  # RFC 6856 section 2.1
        self._connection.discard()
        self._name = None  # RFC 2595 section 4: what was learned in the clear is forgotten
        self._doors.begin_tls()
        return b""

    def _check_privacy(self) -> None:
        if not plaintext_ok(self._services, self._wire.peer):
            raise PrivacyNeeded("Start TLS before you authenticate.")


def _prepared(text: str) -> str:
    """RFC 6856 section 2.2: names and passwords are compared in their SASLprep form."""
    try:
        return saslprep(text)
    except NotPreparable:
        raise BadArguments("The argument holds a character that may not stand there.") from None
