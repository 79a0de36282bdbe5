"""One greeted connection to a server, over which messages go one after another.

Small messages leave in one flight: with PIPELINING and CHUNKING, the envelope and the whole message are on
the wire before the first reply (RFC 3030 section 4.2), else DATA ends the first flight (RFC 2920 section
3.1). That is why this is no library's client: aiosmtplib waits for each reply, knows no BDAT, and its TLS
cannot be held to DANE. What the server lacks for a message is found before anything is said.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from mailkeep.delivery.remote.credentials import Credentials, CredentialsRefused
from mailkeep.delivery.remote.outcome import NotSent, Result, doubtful, from_reply, later, never
from mailkeep.delivery.remote.wire import Wire
from mailkeep.model.queue import Claimed, QueuedMessage
from mailkeep.smtp.client import (
    NO_EXTENSIONS,
    Extensions,
    ServerReply,
    Stuffer,
    mail_command,
    parse_extensions,
    rcpt_command,
)
from mailkeep.storage.interface import Body

ONE_FLIGHT = 64 * 1024  # octets that are sent before the server has said that it wants them
RECIPIENTS_LIMIT = 100  # of one transaction: what every server must take (RFC 5321 section 4.5.3.1.8)
QUIT_SECONDS = 5.0


Begin = Callable[[Sequence[Claimed]], Awaitable[None]]
"""Called with the recipients that were accepted, before the message's end goes out. Raises NotSent."""

_Accepted = Callable[[Sequence[ServerReply]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long replies may take (RFC 5321 section 4.5.3.2), in seconds."""

    connect: float = 30.0
    command: float = 300.0
    data: float = 180.0
    end: float = 600.0


class Session:
    """`greet`, perhaps `start_tls` and `log_in`, then `send` as often as `is_open`."""

    def __init__(self, wire: Wire, name: str, patience: Patience) -> None:
        """`name` is what we call ourselves."""
        self.wire = wire
        self.extensions: Extensions = NO_EXTENSIONS
        self.secured = False  # TLS with a certificate that was checked
        self.sent = 0
        self._name = name
        self._patience = patience
        self._needs_reset = False
        self._said: list[ServerReply] = []  # of this transaction: to MAIL, to each RCPT, perhaps to DATA

    @property
    def host(self) -> str:
        """Whom we talk to."""
        return self.wire.host

    @property
    def is_open(self) -> bool:
        """True if another message may be tried."""
        return self.wire.is_open

    async def greet(self) -> None:
        """Wait for the greeting and say EHLO, or HELO if need be. Raises NotSent."""
        self._positive(await self.wire.reply(self._patience.command), "greeting")
        await self.hello()

    async def hello(self) -> None:
        """EHLO, again after STARTTLS. Raises NotSent."""
        reply = await self._ask(f"EHLO {self._name}")
        if reply.is_success:
            self.extensions = parse_extensions(reply)
            return
        self.extensions = NO_EXTENSIONS
        if not reply.is_permanent:  # not for good: by HELO, every extension would be lacking for good
            self._positive(reply, "EHLO")
        self._positive(await self._ask(f"HELO {self._name}"), "HELO")

    async def ask_tls(self) -> str:
        """STARTTLS (RFC 3207 section 4): "" if the handshake may begin now, else why not. Raises NotSent."""
        if "STARTTLS" not in self.extensions:
            return "it offers none"
        reply = await self._ask("STARTTLS")
        return "" if reply.code == 220 else str(reply)

    async def log_in(self, credentials: Credentials) -> None:
        """AUTH (RFC 4954). Raises NotSent: with wrong credentials, which CredentialsRefused tells, mail waits
        for somebody to mend them."""
        mechanism, response = await credentials.response(self.extensions.mechanisms, self.host)
        reply = await self._ask(f"AUTH {mechanism} {base64.b64encode(response).decode()}")
        if reply.code == 334:  # an error's details, which end with an empty response (RFC 7628 section 3.2.3)
            reply = await self._ask("")
        if reply.code == 235:
            return
        reason = f"the server does not take our credentials: {reply}"
        raise (
            CredentialsRefused(reason, self.host) if reply.is_permanent else later("4.7.0", reason, self.host)
        )

    async def quit(self) -> None:
        """Part politely. Never raises."""
        try:
            self.wire.write(b"QUIT\r\n")
            await self.wire.reply(QUIT_SECONDS)
        except NotSent:
            return
        finally:
            self.wire.close()

    # --- one message ------------------------------------------------------------------------------

    async def send(
        self, message: QueuedMessage, body: Body, recipients: Sequence[Claimed], begin: Begin | None = None
    ) -> list[Result]:
        """One transaction, at most RECIPIENTS_LIMIT recipients; their results in order. The content is one
        that the server takes. Raises NotSent if what failed is true of all of them, and what `begin` raises:
        then the session is over."""
        small = await body.read() if body.size <= ONE_FLIGHT else None
        commands = self._envelope(message, recipients, body, small)
        if self._needs_reset:
            self._positive(await self._ask("RSET"), "RSET")
        self._needs_reset = True
        self._said = []
        try:
            if begin is not None:
                results = await self._by_data(commands, body, partial(_begin, begin, recipients))
            elif small is not None and "PIPELINING" in self.extensions and "CHUNKING" in self.extensions:
                results = await self._one_flight(commands, small, len(recipients))
            elif "CHUNKING" in self.extensions:
                results = await self._by_chunks(commands, body)
            else:
                results = await self._by_data(commands, body)
        except NotSent as error:
            if all(reply.code < 400 for reply in self._said):
                raise
            results = self._cut_off(error.result, len(recipients))
        if self.sent and self._said and self._said[0].code == 421:  # RFC 5321 section 3.8: it is over
            self._positive(self._said[0], "MAIL")
        self.sent += 1
        return results

    @property
    def takes_eight_bit(self) -> bool:
        """Whether content may go beyond ASCII (RFC 6152 section 3)."""
        return "8BITMIME" in self.extensions

    def require(self, message: QueuedMessage, recipients: Sequence[Claimed]) -> None:
        """Raises NotSent if the server lacks what the message needs, whatever form its content has."""
        if _needs_utf8(message, recipients) and "SMTPUTF8" not in self.extensions:
            raise never("5.6.7", "the server does not take addresses or headers beyond ASCII", self.host)
        if message.envelope.requiretls and not (self.secured and "REQUIRETLS" in self.extensions):
            raise never(
                "5.7.30", "the message requires TLS all the way, which the server does not offer", self.host
            )

    def _envelope(
        self, message: QueuedMessage, recipients: Sequence[Claimed], body: Body, small: bytes | None
    ) -> list[bytes]:
        """MAIL and RCPTs. Raises NotSent if the server lacks what the message needs."""
        extensions = self.extensions
        if 0 < extensions.max_size < body.size:
            raise never(
                "5.3.4", f"the message is larger than the server takes: {extensions.max_size}", self.host
            )
        self.require(message, recipients)
        first = mail_command(
            message.envelope,
            body.size,
            extensions,
            eight_bit=small is None or not small.isascii(),
            utf8=_needs_utf8(message, recipients),
        )
        return [first, *(rcpt_command(one.recipient, one.request, extensions) for one in recipients)]

    async def _one_flight(self, commands: list[bytes], octets: bytes, count: int) -> list[Result]:
        self.wire.write(b"".join([*commands, b"BDAT %d LAST\r\n" % len(octets), octets]))
        try:
            with suppress(NotSent):  # what was said before the line broke is worth reading
                await self.wire.drain(self._patience.data)
            await self._hear(count + 1)
            end = await self.wire.reply(self._patience.end)
        except NotSent as error:
            return self._cut_off(doubtful(error.result), count)
        return self._results(self._said, end)

    async def _by_chunks(self, commands: list[bytes], body: Body) -> list[Result]:
        replies = await self._pipelined(commands)
        if not any(reply.is_success for reply in replies[1:]):
            results = self._results(replies, replies[0])
            self._needs_reset = True  # MAIL may stand, and the next one be refused for that
            return results
        left = body.size
        async for piece in body.chunks():
            left -= len(piece)
            if left:
                self.wire.write(b"BDAT %d\r\n%b" % (len(piece), piece))
                await self.wire.drain(self._patience.data)
                reply = await self.wire.reply(self._patience.data)
                if not reply.is_success:
                    return self._results(replies, reply)
            else:
                self.wire.write(b"BDAT %d LAST\r\n%b" % (len(piece), piece))
        return await self._end(replies)

    async def _by_data(
        self, commands: list[bytes], body: Body, begin: _Accepted | None = None
    ) -> list[Result]:
        replies = await self._pipelined([*commands, b"DATA\r\n"])
        *replies, go = replies
        accepted = any(reply.is_success for reply in replies[1:])
        if go.code != 354:
            if go.is_success:
                raise later("4.5.0", f"the server answers DATA by {go}", self.host)
            return self._results(replies, go)
        if not accepted:  # RFC 2920 section 3.1: the server waits for a message, and gets an empty one
            self.wire.write(b".\r\n")
            await self.wire.reply(self._patience.end)
            return self._results(replies, replies[0])
        if begin is not None:
            await self._or_abort(begin(replies[1:]))
        stuffer = Stuffer()
        async for piece in body.chunks():
            self.wire.write(stuffer.feed(piece))
            try:
                await self.wire.drain(self._patience.data)
            except NotSent:
                early = await self.wire.reply(0)  # said while we were sending; else raises the same
                if early.code < 400:
                    raise
                return self._results(replies, early)
        self.wire.write(stuffer.finish())
        return await self._end(replies)

    async def _or_abort(self, work: Awaitable[None]) -> None:
        """The server waits for a message: if it is not to have one, nothing else can be said to it."""
        try:
            await work
        except BaseException:
            self.wire.abort()
            raise

    async def _end(self, replies: list[ServerReply]) -> list[Result]:
        """The reply to the whole message. Without it, nobody knows whether it has arrived."""
        try:
            with suppress(NotSent):
                await self.wire.drain(self._patience.data)
            end = await self.wire.reply(self._patience.end)
        except NotSent as error:
            return [
                doubtful(error.result) if reply.is_success else from_reply(reply, self.host)
                for reply in replies[1:]
            ]
        return self._results(replies, end)

    async def _pipelined(self, commands: Sequence[bytes]) -> list[ServerReply]:
        """Each command's reply; MAIL's refusal ends it where nothing is pipelined."""
        if "PIPELINING" in self.extensions:
            self.wire.write(b"".join(commands))
            with suppress(NotSent):
                await self.wire.drain(self._patience.command)
            return list(await self._hear(len(commands)))
        replies = self._said
        for command in commands:
            if replies and (not replies[0].is_success or _none_accepted(command, replies)):
                replies.append(replies[0] if not replies[0].is_success else replies[-1])
                continue
            self.wire.write(command)
            replies.append(await self.wire.reply(self._patience.command))
        return list(replies)

    async def _hear(self, count: int) -> list[ServerReply]:
        """So many replies; those that came before a NotSent are kept."""
        while len(self._said) < count:
            self._said.append(await self.wire.reply(self._patience.command))
        return self._said

    def _cut_off(self, rest: Result, count: int) -> list[Result]:
        """The line broke. A refusal that came before stays one: servers refuse and hang up, and would do so
        again at every attempt. All else is as `rest` has it."""
        if self._said and not self._said[0].is_success:
            return [from_reply(self._said[0], self.host)] * count
        replies = self._said[1 : count + 1]
        known = [rest if reply.is_success else from_reply(reply, self.host) for reply in replies]
        return [*known, *[rest] * (count - len(known))]

    def _results(self, replies: Sequence[ServerReply], end: ServerReply) -> list[Result]:
        """MAIL's refusal is everybody's, then each RCPT's own, then that of the message."""
        self._needs_reset = not (replies[0].is_success and end.is_success and end.code == 250)
        if any(reply.code == 421 for reply in (*replies, end)):
            self.wire.close()  # RFC 5321 section 3.8: the server closes, too
        dsn = "DSN" in self.extensions
        if not replies[0].is_success:
            return [from_reply(replies[0], self.host)] * (len(replies) - 1)
        return [from_reply(end if reply.is_success else reply, self.host, dsn=dsn) for reply in replies[1:]]

    # --- commands ---------------------------------------------------------------------------------

    async def _ask(self, command: str) -> ServerReply:
        self.wire.write(command.encode() + b"\r\n")
        return await self.wire.reply(self._patience.command)

    def _positive(self, reply: ServerReply, what: str) -> None:
        """Raises NotSent: the server wants nothing of us, now or ever; but another one may."""
        if not reply.is_success:
            raise later(f"4{reply.status[1:]}", f"{what}: {reply}", self.host)


async def _begin(begin: Begin, recipients: Sequence[Claimed], replies: Sequence[ServerReply]) -> None:
    await begin([one for one, reply in zip(recipients, replies, strict=True) if reply.is_success])


def _needs_utf8(message: QueuedMessage, recipients: Sequence[Claimed]) -> bool:
    """What its client declared is needed only if something is not ASCII (RFC 6531 section 3.6)."""
    sender = message.envelope.sender
    addresses = [one.recipient for one in recipients] + ([sender] if sender else [])
    if not all(address.is_ascii for address in addresses):
        return True
    return message.envelope.smtputf8 and not message.header.isascii()


def _none_accepted(command: bytes, replies: Sequence[ServerReply]) -> bool:
    return command == b"DATA\r\n" and not any(reply.is_success for reply in replies[1:])
