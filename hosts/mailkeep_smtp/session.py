"""What each SMTP command means (RFC 5321 section 4.1).

Each one in the same order: parse, check the sequence, ask the policy, act, answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailkeep import sasl
from mailkeep.delivery.dispatch import Mail
from mailkeep.errors import Fault, TooLarge
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.model.message import PreparedMessage
from mailkeep.model.principal import Principal
from mailkeep.net.proxy_protocol import Source
from mailkeep.observe.logs import cause_of, get_logger
from mailkeep.smtp import replies
from mailkeep.smtp.chunks import Chunk, parse_chunk
from mailkeep.smtp.commands import after_from, after_to, parse_helo
from mailkeep.smtp.errors import (
    ArgumentSyntax,
    BadSequence,
    CommandNotOffered,
    CredentialEnded,
    Ending,
    TlsUnavailable,
    TooManyRecipients,
    Utf8NotDeclared,
    auth_reply_for,
)
from mailkeep.smtp.lines import AUTH_LINE_LIMIT
from mailkeep.smtp.parameters import held_until, parse_mail_parameters, parse_rcpt_parameters
from mailkeep.smtp.paths import parse_forward_path, parse_reverse_path
from mailkeep.smtp.replies import Reply, reply
from mailkeep.smtp.submitted import defaults_for
from mailkeep.smtp.trace import Hop, trace_fields
from mailkeep.smtp.xclient import ATTRIBUTES, parse_xclient
from mailkeep_smtp.authentication import authenticate
from mailkeep_smtp.chunking import ChunkedMessage, ChunkOctets
from mailkeep_smtp.connection import Connection
from mailkeep_smtp.content import Content
from mailkeep_smtp.context import Listener, Services
from mailkeep_smtp.inlet import Disconnected
from mailkeep_smtp.policy import Arrived, Client
from mailkeep_smtp.transaction import Transaction, receive

_MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"})
_HOLDING = frozenset({"HOLDFOR", "HOLDUNTIL"})  # RFC 4865 section 4
_RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})  # RFC 3461 section 4
_WITH_AUTH = _MAIL_PARAMETERS | {"AUTH"}  # RFC 4954 section 5

log = get_logger(__name__)


class SmtpSession(Connection):
    """The commands. Each method takes the command's argument and returns its reply."""

    def __init__(
        self,
        listener: Listener,
        services: Services,
        release: Callable[[], None] | None = None,
        source: Source | None = None,
    ) -> None:
        super().__init__(listener, services, release, source)
        self.policy = listener.policy
        self.transaction: Transaction | None = None
        self._stop_watching: Callable[[], None] | None = None

        self._helo = ""
        self._extended = False
        self._principal: Principal | None = None

    @property
    def client(self) -> Client:
        """Who is speaking, as far as is known by now."""
        return Client(self.peer, self._helo, self._extended, self._principal)

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
        if self.policy.takes_credentials and self._is_private():
            keywords.append("AUTH " + " ".join(sasl.MECHANISMS))
        return keywords

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802
        """RFC 3207 section 4. Everything known of the client is forgotten (section 4.2)."""
        _refuse_argument("STARTTLS", argument)
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
        log.info("credential ended", peer=self.peer.host, reason=reason)
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

    # --- the mail transaction ---------------------------------------------------------------------

    async def smtp_MAIL(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.2."""
        self._check_ready()
        if self.transaction is not None:
            raise BadSequence("A mail transaction is under way; RSET ends it.")
        path, rest = parse_reverse_path(after_from(argument))
        parameters = parse_mail_parameters(rest, self._mail_parameters())
        if parameters.size is not None and parameters.size > self.services.settings.max_message_size:
            raise TooLarge(f"The message is larger than {self.services.settings.max_message_size} octets.")
        if not path.is_ascii and not parameters.smtputf8:
            raise Utf8NotDeclared("An address beyond ASCII needs SMTPUTF8.")
        hold_until = held_until(parameters, datetime.now(UTC), self.services.settings.max_hold_seconds)
        await self.policy.sender(self.client, path)
        self.transaction = Transaction(path, parameters, hold_until)
        return replies.SENDER_OK

    def _mail_parameters(self) -> frozenset[str]:
        if not self._extended:
            return frozenset()
        offered = _WITH_AUTH if self.policy.takes_credentials else _MAIL_PARAMETERS
        if self.policy.holds_mail:
            offered |= _HOLDING
        return offered | {"REQUIRETLS"} if self.peer.tls else offered

    async def smtp_RCPT(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.3."""
        self._check_ready()
        transaction = self.transaction
        if transaction is None:
            raise BadSequence("MAIL comes before RCPT.")
        _refuse_after_bdat(transaction)
        path, rest = parse_forward_path(after_to(argument))
        request = parse_rcpt_parameters(rest, _RCPT_PARAMETERS if self._extended else frozenset())
        if not path.is_ascii and not transaction.parameters.smtputf8:
            raise Utf8NotDeclared("An address beyond ASCII needs SMTPUTF8 on MAIL.")
        if transaction.accepted >= self.services.settings.max_recipients:
            raise TooManyRecipients("Too many recipients; send the message to the others apart.")
        self.services.conduct.addressed(self.peer.host)
        addressees = await self.policy.recipient(self.client, path, transaction.reverse_path)
        if len(addressees) == 1:  # one member without room does not keep a list's mail from the others
            await self.services.dispatch.require_room(addressees[0], transaction.parameters.size)
        elif len(transaction.addressees) + len(addressees) > self.services.settings.max_recipients:
            raise TooManyRecipients("Too many recipients, a list's members counted; send the rest apart.")
        addressed = path.address or addressees[0].address
        transaction.add(addressed, [replace(one, request=request) for one in addressees])
        return replies.RECIPIENT_OK

    async def smtp_DATA(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.4. The reply comes after the commit is durable (section 6.1)."""
        self._check_ready()
        _refuse_argument("DATA", argument)
        transaction = self.transaction
        if transaction is None or not transaction.addressees:
            raise BadSequence("RCPT comes before DATA, and none was accepted.")
        _refuse_after_bdat(transaction)
        self.answer(replies.START_DATA)
        self.transaction = None
        received_at = datetime.now(UTC)
        content = self._content(transaction, received_at)
        try:
            size = await receive(self, content)
            return await self._accept(transaction, content, received_at, size)
        finally:
            await content.close()

    async def smtp_BDAT(self, argument: str) -> Reply | None:  # noqa: N802
        """RFC 3030 section 2. All octets are read before the reply, whatever it is."""
        chunk = parse_chunk(argument)
        octets = ChunkOctets(self, chunk)
        if self.transaction is not None:
            self.transaction.offer(chunk.size, self.services.settings.max_message_size)
            if self.transaction.failure is not None:
                self.answer_again(await self._refuse_chunk(self.transaction.failure, chunk, octets))
                return None
        try:
            return await self._take_chunk(chunk, octets)
        except (Disconnected, Ending):
            raise
        except Exception as error:  # as in the loop, but here octets have to be read before the answer
            return await self._refuse_chunk(self.explain(error), chunk, octets)

    async def _refuse_chunk(self, failure: Reply, chunk: Chunk, octets: ChunkOctets) -> Reply:
        """The message is lost, as whoever has pipelined more chunks of it is told for each one."""
        if self.transaction is not None:
            await self.transaction.fail(failure)
        await octets.drain()
        if chunk.last:
            await self._end_transaction()
        return failure

    async def _take_chunk(self, chunk: Chunk, octets: ChunkOctets) -> Reply:
        self._check_ready()
        transaction = self.transaction
        if transaction is None or not transaction.addressees:
            raise BadSequence("RCPT comes before BDAT, and none was accepted.")
        if transaction.chunked is None:
            received_at = datetime.now(UTC)
            content = self._content(transaction, received_at)
            transaction.chunked = ChunkedMessage(content, received_at, self.loop.time())
        chunked, max_size = transaction.chunked, self.services.settings.max_message_size
        await chunked.take(octets, max_size)
        if not chunk.last:
            return reply(250, "2.0.0", f"Ok: {chunk.size} octets")
        chunked.finish(max_size)
        try:
            return await self._accept(transaction, chunked.content, chunked.received_at, chunked.reader.size)
        finally:
            await self._end_transaction()

    async def _accept(
        self, transaction: Transaction, content: Content, received_at: datetime, size: int
    ) -> Reply:
        """A whole message: into the store, then the reply. `size` is in octets as the client sent them."""
        arrived = Arrived(
            transaction.id,
            transaction.reverse_path,
            tuple(transaction.addressees.values()),
            CheckedMessage(await content.header(), content.hash_bodies),
        )
        stamp = await self.policy.content(self.client, arrived)
        trace = self._trace(transaction, received_at)
        message = await content.prepare(trace + stamp.above + stamp.header)
        mail = replace(self._mail(transaction, message, received_at), junk=stamp.junk)
        await self.services.dispatch.accept(mail)
        await self._report_delivered(mail)
        self.forgive_errors()
        self._log_accepted(transaction, size)
        return reply(250, "2.0.0", f"Ok: {transaction.id}")

    async def _report_delivered(self, mail: Mail) -> None:
        """What has been taken stays so: a report that cannot be made must not have it sent again."""
        try:
            await self.services.reporter.delivered(mail)
        except Fault as error:
            log.error("a delivery could not be reported", id=mail.id, **cause_of(error))

    def _mail(self, transaction: Transaction, message: PreparedMessage, received_at: datetime) -> Mail:
        return Mail(
            id=transaction.id,
            message=message,
            envelope=transaction.envelope,
            addressees=tuple(transaction.addressees.values()),
            received_at=received_at,
            author=self._principal,
            saves_sent=self.services.settings.save_to_sent,
            not_before=transaction.hold_until,
        )

    def _content(self, transaction: Transaction, received_at: datetime) -> Content:
        defaults = None
        if self.policy.mends_headers:
            defaults = defaults_for(transaction.id, self.hostname, received_at)
        return Content(self.services.spool_directory, defaults)

    def _trace(self, transaction: Transaction, received_at: datetime) -> bytes:
        hop = Hop(
            helo=self._helo,
            client=self.peer.host,
            by=self.hostname,
            id=transaction.id,
            received_at=received_at,
            extended=self._extended,
            authenticated=self._principal is not None,
            smtputf8=transaction.parameters.smtputf8,
            cipher=self.cipher,
            lmtp=self.protocol == "LMTP",
        )
        return trace_fields(hop, transaction.reverse_path, transaction.only_recipient)

    def _log_accepted(self, transaction: Transaction, size: int) -> None:
        log.info(
            "accepted",
            id=transaction.id,
            listener=self.listener.name,
            peer=self.peer.host,
            sender=str(transaction.reverse_path),
            recipients=len(transaction.addressees),
            octets=size,
        )

    async def _end_transaction(self) -> None:
        """Nothing of what BDAT has brought stays."""
        transaction, self.transaction = self.transaction, None
        if transaction is not None:
            await transaction.close()

    # --- the rest ---------------------------------------------------------------------------------

    async def smtp_RSET(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.5."""
        _refuse_argument("RSET", argument)
        await self._end_transaction()
        return replies.RESET

    async def smtp_NOOP(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.9; it may have an argument, which means nothing."""
        return replies.OK

    async def smtp_QUIT(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.10."""
        _refuse_argument("QUIT", argument)
        return reply(221, "2.0.0", f"{self.hostname} Bye")

    async def smtp_HELP(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.8."""
        return replies.HELP

    async def smtp_VRFY(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 7.3: nobody learns which addresses there are."""
        self._check_ready()
        if not argument:
            raise ArgumentSyntax("VRFY takes an address or a name.")
        return replies.CANNOT_VERIFY

    async def smtp_EXPN(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 3.5.2: there are no lists to expand."""
        raise CommandNotOffered("EXPN is not implemented.")

    def _check_ready(self) -> None:
        """Raises BadSequence, TlsRequired, AuthenticationRequired."""
        if not self._helo:
            raise BadSequence("Send EHLO or HELO first.")
        self.policy.admit(self.client)


def _future_release(most: int) -> str:
    """RFC 4865 section 3: the longest wait, in seconds and as the moment that it would end now."""
    latest = datetime.now(UTC) + timedelta(seconds=most)
    return f"FUTURERELEASE {most} {latest:%Y-%m-%dT%H:%M:%SZ}"


def _refuse_after_bdat(transaction: Transaction) -> None:
    if transaction.chunks:
        raise BadSequence("BDAT has begun the message; BDAT LAST or RSET ends it.")


def _refuse_argument(verb: str, argument: str) -> None:
    if argument:
        raise ArgumentSyntax(f"{verb} takes no argument.")
