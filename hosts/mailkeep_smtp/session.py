"""Who speaks, and how: greetings, TLS, XCLIENT, AUTH, and the commands that concern no message (RFC 5321
section 4.1). What concerns one is in mail.py and pieces.py.

Each command in the same order: parse, check the sequence, ask the policy, act, answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mailkeep import sasl
from mailkeep.errors import Fault
from mailkeep.net.proxy_protocol import Source
from mailkeep.observe.logs import get_logger
from mailkeep.smtp import replies
from mailkeep.smtp.commands import parse_helo
from mailkeep.smtp.errors import (
    ArgumentSyntax,
    BadSequence,
    CommandNotOffered,
    CredentialEnded,
    TlsUnavailable,
    auth_reply_for,
)
from mailkeep.smtp.lines import AUTH_LINE_LIMIT
from mailkeep.smtp.replies import Reply, reply
from mailkeep.smtp.xclient import ATTRIBUTES, parse_xclient
from mailkeep_smtp.authentication import authenticate
from mailkeep_smtp.mail import refuse_argument
from mailkeep_smtp.pieces import PieceCommands

log = get_logger(__name__)


class SmtpSession(PieceCommands):
    """The commands. Each method takes the command's argument and returns its reply."""

    _stop_watching: Callable[[], None] | None = None  # the credential of who is known

    async def closed(self) -> None:
        self._forget_principal()
        await self._end_transaction()

    # --- greetings --------------------------------------------------------------------------------

    async def smtp_HELO(self, argument: str) -> Reply:  # noqa: N802  aiosmtpd finds commands by these names
        """RFC 5321 section 4.1.1.1."""
        await self._greet(parse_helo(argument), extended=False)
        return reply(250, "", self.hostname)

    async def smtp_EHLO(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.1."""
        await self._greet(parse_helo(argument), extended=True)
        return reply(250, "", self.hostname, *self._extensions())

    async def _greet(self, name: str, *, extended: bool) -> None:
        self._helo = name
        self._extended = extended
        await self._end_transaction()

    def _extensions(self) -> list[str]:
        keywords = [
            "PIPELINING",
            f"SIZE {self.services.settings.max_message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            "BINARYMIME",
            "DSN",
            f"LIMITS RCPTMAX={self.services.settings.max_recipients}",  # RFC 9422
        ]
        if self._may_speak_for_others():
            keywords.append("XCLIENT " + " ".join(ATTRIBUTES))
        if self.services.tls is not None and not self.peer.tls:
            keywords.append("STARTTLS")
        if self.peer.tls:
            keywords.append("REQUIRETLS")  # RFC 8689 section 2: only over TLS
        if self.policy.holds_mail:
            keywords.append(_future_release(self.services.settings.max_hold_seconds))
        if self.policy.takes_credentials:  # RFC 4468 section 3.1: "imap" for those who are known
            keywords.append("BURL" if self._principal is None else "BURL imap")
        if self.policy.takes_credentials and self._is_private():
            keywords.append("AUTH " + " ".join(sasl.MECHANISMS))
        return keywords

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802
        """RFC 3207 section 4. Everything known of the client is forgotten (section 4.2)."""
        refuse_argument("STARTTLS", argument)
        if self.peer.tls:
            raise BadSequence("TLS is active already.")
        if self.services.tls is None:
            raise TlsUnavailable("TLS is not available.")
        self.answer(replies.START_TLS)
        await self.start_tls()
        await self._greet("", extended=False)
        self._forget_principal()

    async def smtp_XCLIENT(self, argument: str) -> Reply:  # noqa: N802
        """See mailkeep.smtp.xclient. Everything known of the client is forgotten, and the greeting said
        anew."""
        if not self._may_speak_for_others():
            raise CommandNotOffered("XCLIENT is not offered to you.")
        if self.transaction is not None:
            raise BadSequence("XCLIENT may not come within a mail transaction.")
        told = parse_xclient(argument)
        self._forget_principal()
        if told.address is not None:
            self.speak_for(Source(told.address, told.port or 0))
        await self._greet(told.helo, extended=bool(told.helo))
        log.info("speaks for another client", client=self.peer.host, by=self.door)
        return self.greeting()

    def _may_speak_for_others(self) -> bool:
        return self.door in self.services.xclients

    # --- authentication ---------------------------------------------------------------------------

    async def smtp_AUTH(self, argument: str) -> Reply:  # noqa: N802
        """RFC 4954 section 4."""
        if not self.policy.takes_credentials:
            raise CommandNotOffered("AUTH is not offered here; use the submission service.")
        if not self._helo or not self._extended:
            raise BadSequence("Send EHLO first.")
        if self._principal is not None:
            raise BadSequence("Already authenticated.")
        if self.transaction is not None:
            raise BadSequence("AUTH may not come within a mail transaction.")
        if not argument:
            raise ArgumentSyntax("The form is AUTH mechanism, with an initial response after it.")
        try:
            principal = await authenticate(
                argument, self._is_private(), self.peer, self.services.authenticator, self._challenge
            )
        except Fault as error:
            return self.explain(error, auth_reply_for)
        self._principal = principal
        self._stop_watching = self.services.authenticator.watch(principal, self._credential_ended)
        return replies.AUTHENTICATED

    async def _challenge(self, challenge: bytes) -> bytes:
        self.answer(reply(334, "", challenge.decode("ascii")))
        return await self.read_line(AUTH_LINE_LIMIT)

    def _credential_ended(self, reason: str) -> None:
        log.info("credential ended", session=self.session_id, peer=self.peer.host, reason=reason)
        self.cut(
            CredentialEnded(f"{self.hostname} The credential is no longer valid, closing the connection.")
        )

    def _forget_principal(self) -> None:
        self._principal = None
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None

    def _is_private(self) -> bool:
        return self.peer.tls or (self.services.plaintext_from_loopback and self.peer.is_loopback)

    # --- the rest ---------------------------------------------------------------------------------

    async def smtp_RSET(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.5."""
        refuse_argument("RSET", argument)
        await self._end_transaction()
        return replies.RESET

    async def smtp_NOOP(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.9; it may have an argument, which means nothing."""
        return replies.OK

    async def smtp_QUIT(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.10."""
        refuse_argument("QUIT", argument)
        return reply(221, "2.0.0", f"{self.hostname} Bye")

    async def smtp_HELP(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.8."""
        return replies.HELP

    async def smtp_VRFY(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 7.3: nobody learns which addresses there are. Section 4.1.4: it needs no EHLO."""
        self.policy.admit(self.client)
        if not argument:
            raise ArgumentSyntax("VRFY takes an address or a name.")
        return replies.CANNOT_VERIFY

    async def smtp_EXPN(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 3.5.2: there are no lists to expand."""
        raise CommandNotOffered("EXPN is not implemented.")


def _future_release(most: int) -> str:
    """RFC 4865 section 3: the longest wait, in seconds and as the moment that it would end now."""
    latest = datetime.now(UTC) + timedelta(seconds=most)
    return f"FUTURERELEASE {most} {latest:%Y-%m-%dT%H:%M:%SZ}"
