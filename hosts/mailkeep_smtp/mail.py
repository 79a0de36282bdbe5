"""A message's way in: MAIL, RCPT and DATA (RFC 5321 section 4.1.1), and what becomes of a whole message.

Each command in the same order: parse, check the sequence, ask the policy, act, answer. Who the client is,
the session finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mailkeep.delivery.dispatch import Addressee, Forwarded, Mail
from mailkeep.errors import Fault, TooLarge
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.model.message import PreparedMessage
from mailkeep.model.principal import Principal
from mailkeep.model.queue import DsnRequest
from mailkeep.net.proxy_protocol import Source
from mailkeep.observe import correlation, tracing
from mailkeep.observe.logs import cause_of, get_logger
from mailkeep.observe.timed import timed
from mailkeep.smtp import replies
from mailkeep.smtp.commands import after_from, after_to
from mailkeep.smtp.dsn import xtext
from mailkeep.smtp.errors import ArgumentSyntax, BadSequence, TooManyRecipients, Utf8NotDeclared
from mailkeep.smtp.parameters import held_until, parse_mail_parameters, parse_rcpt_parameters
from mailkeep.smtp.paths import parse_forward_path, parse_reverse_path
from mailkeep.smtp.replies import Reply, reply
from mailkeep.smtp.submitted import defaults_for
from mailkeep.smtp.trace import Hop, trace_fields
from mailkeep_smtp.connection import Connection
from mailkeep_smtp.content import Content
from mailkeep_smtp.context import Listener, Services
from mailkeep_smtp.policy import Arrived, Client
from mailkeep_smtp.transaction import Transaction, receive

_MAIL_PARAMETERS = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"})
_HOLDING = frozenset({"HOLDFOR", "HOLDUNTIL"})  # RFC 4865 section 4
_RCPT_PARAMETERS = frozenset({"NOTIFY", "ORCPT"})  # RFC 3461 section 4
_WITH_AUTH = _MAIL_PARAMETERS | {"AUTH"}  # RFC 4954 section 5

log = get_logger(__name__)


class MailCommands(Connection):
    """The mail transaction. Each command takes its argument and returns its reply."""

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
        self._helo = ""
        self._extended = False
        self._principal: Principal | None = None

    @property
    def client(self) -> Client:
        """Who is speaking, as far as is known by now."""
        return Client(self.peer, self._helo, self._extended, self._principal)

    def _check_ready(self) -> Client:
        """Who is speaking, and may. Raises BadSequence, TlsRequired, AuthenticationRequired."""
        if not self._helo:
            raise BadSequence("Send EHLO or HELO first.")
        client = self.client
        self.policy.admit(client)
        return client

    # --- commands ---------------------------------------------------------------------------------

    async def smtp_MAIL(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.2."""
        client = self._check_ready()
        if self.transaction is not None:
            raise BadSequence("A mail transaction is under way; RSET ends it.")
        path, rest = parse_reverse_path(after_from(argument))
        parameters = parse_mail_parameters(rest, self._mail_parameters())
        if parameters.size is not None and parameters.size > self.services.settings.max_message_size:
            raise TooLarge(f"The message is larger than {self.services.settings.max_message_size} octets.")
        if not path.is_ascii and not parameters.smtputf8:
            raise Utf8NotDeclared("An address beyond ASCII needs SMTPUTF8.")
        hold_until = held_until(parameters, datetime.now(UTC), self.services.settings.max_hold_seconds)
        await self.policy.sender(client, path)
        self.transaction = Transaction(path, parameters, hold_until)
        correlation.about(self.transaction.id)
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
        client = self._check_ready()
        transaction = self.transaction
        if transaction is None:
            raise BadSequence("MAIL comes before RCPT.")
        _refuse_in_pieces(transaction)
        path, rest = parse_forward_path(after_to(argument))
        request = parse_rcpt_parameters(rest, _RCPT_PARAMETERS if self._extended else frozenset())
        if not (path.is_ascii and request.orcpt.isascii()) and not transaction.parameters.smtputf8:
            raise Utf8NotDeclared("An address beyond ASCII needs SMTPUTF8 on MAIL.")  # RFC 6533 section 3
        if transaction.accepted >= self.services.settings.max_recipients:
            raise TooManyRecipients("Too many recipients; send the message to the others apart.")
        self.services.conduct.addressed(self.peer.host)
        if self._principal is not None:
            self.services.conduct.submitted(self.peer.host, self._principal)
        addressees = await self.policy.recipient(client, path, transaction.reverse_path)
        if len(addressees) == 1:  # one member without room does not keep a list's mail from the others
            await self.services.dispatch.require_room(addressees[0], transaction.parameters.size)
        elif len(transaction.addressees) + len(addressees) > self.services.settings.max_recipients:
            raise TooManyRecipients("Too many recipients, a list's members counted; send the rest apart.")
        if self._principal is None and not transaction.may_leave(addressees):
            raise TooManyRecipients("Send what is forwarded for each address apart.")
        addressed = path.address or addressees[0].address
        transaction.add(addressed, [_asking(one, request) for one in addressees])
        return replies.RECIPIENT_OK

    async def smtp_DATA(self, argument: str) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.4. The reply comes after the commit is durable (section 6.1)."""
        self._check_ready()
        refuse_argument("DATA", argument)
        transaction = self.transaction
        if transaction is None or not transaction.addressees:
            raise BadSequence("RCPT comes before DATA, and none was accepted.")
        _refuse_in_pieces(transaction)
        if transaction.is_binary:  # RFC 3030 section 3
            raise BadSequence("BODY=BINARYMIME goes with BDAT, not with DATA.")
        self.answer(replies.START_DATA)
        self.transaction = None
        received_at = datetime.now(UTC)
        content = self._content(transaction, received_at)
        with tracing.span("SMTP DATA", tracing.SERVER) as span:
            self._describe(span, transaction)
            try:
                size = await receive(self, content)
                with timed("SMTP DATA"):
                    return await self._accept(transaction, content, received_at, size)
            finally:
                await content.close()

    # --- a whole message --------------------------------------------------------------------------

    async def _accept(
        self, transaction: Transaction, content: Content, received_at: datetime, size: int
    ) -> Reply:
        """A whole message: into the store, then the reply. `size` is in octets as the client sent them."""
        header = await content.header()
        if transaction.is_binary and self.policy.mends_headers:  # what is signed is what goes on
            header = await content.as_lines(header)
        arrived = Arrived(
            transaction.id,
            transaction.reverse_path,
            tuple(transaction.addressees.values()),
            CheckedMessage(header, content.hash_bodies),
        )
        with tracing.span("checks"):
            stamp = await self.policy.content(self.client, arrived)
        header = stamp.header
        if transaction.is_binary and not self.policy.mends_headers:  # what is checked is what came
            header = await content.as_lines(header)
        trace = self._trace(transaction, received_at)
        forwarded = None
        if transaction.leaves:
            kept = replace(arrived, message=CheckedMessage(header, content.hash_bodies))
            forwarded = await self.policy.forward(kept, stamp)
        message = await content.prepare(trace + stamp.above + header)
        mail = self._mail(transaction, message, received_at, stamp.junk, forwarded)
        await self.services.dispatch.accept(mail)
        await self._report_delivered(mail)
        self.forgive_errors()
        self._log_accepted(transaction, size)
        correlation.about("")  # a refusal before here is still about it
        return reply(250, "2.0.0", f"Ok: {transaction.id}")

    async def _report_delivered(self, mail: Mail) -> None:
        """What has been taken stays so: a report that cannot be made must not have it sent again."""
        try:
            await self.services.reporter.delivered(mail)
        except Fault as error:
            log.error("a delivery could not be reported", id=mail.id, **cause_of(error))

    def _mail(
        self,
        transaction: Transaction,
        message: PreparedMessage,
        received_at: datetime,
        junk: frozenset[str],
        forwarded: Forwarded | None,
    ) -> Mail:
        return Mail(
            id=transaction.id,
            message=message,
            envelope=transaction.envelope,
            addressees=tuple(transaction.addressees.values()),
            received_at=received_at,
            author=self._principal,
            saves_sent=self.services.settings.save_to_sent,
            not_before=transaction.hold_until,
            junk=junk,
            forwarded=forwarded,
        )

    def _describe(self, span: tracing.Span, transaction: Transaction) -> None:
        span.set("mailkeep.listener", self.listener.name)
        span.set("mailkeep.recipients", len(transaction.addressees))
        span.set("client.address", self.peer.host)

    def _content(self, transaction: Transaction, received_at: datetime) -> Content:
        defaults = None
        if self.policy.mends_headers:
            defaults = defaults_for(transaction.id, self.hostname, received_at)
        return Content(self.services.spool_directory, self.services.spool_room, defaults)

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
            correlation.about("")
            await transaction.close()


def _asking(addressee: Addressee, request: DsnRequest) -> Addressee:
    """With what RCPT asked for. Of whom an alias leads to elsewhere reports name the alias (RFC 3461 section
    5.2.1)."""
    alias = addressee.alias
    if alias is not None and alias.is_ascii and not request.orcpt:
        request = replace(request, orcpt=f"rfc822;{xtext(str(alias))}")
    return addressee if request is addressee.request else replace(addressee, request=request)


def _refuse_in_pieces(transaction: Transaction) -> None:
    if transaction.chunks:
        raise BadSequence("BDAT has begun the message; BDAT LAST or RSET ends it.")


def refuse_argument(verb: str, argument: str) -> None:
    if argument:
        raise ArgumentSyntax(f"{verb} takes no argument.")
