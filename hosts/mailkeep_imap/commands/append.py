"""APPEND: decided before the message is sent, spooled while it comes, committed in one transaction.

RFC 9051 section 4.3 lets the server refuse a synchronizing literal; so the mailbox, the flags and the size
are looked at when the literal is announced, and a client learns of TRYCREATE or TOOBIG without having
sent the message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.spool import SPOOL_MEMORY, Spool
from mailkeep.errors import MailboxNotFound, SpoolUnavailable, TooLarge
from mailkeep.imap.commands.append import Append, StreamedLiteral, begin
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import LiteralChunk, LiteralRequest
from mailkeep.imap.response_codes import AppendUid
from mailkeep.imap.responses import continuation
from mailkeep.imap.state import State
from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import NewMessage
from mailkeep_imap.binary_content import copy_without_nul
from mailkeep_imap.codes import TargetMissing
from mailkeep_imap.commands.copy import target_mailbox
from mailkeep_imap.messages import catch_up
from mailkeep_imap.outcome import Done

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


TOTAL_TIMES = 4  # the largest messages that one command may bring (RFC 3502)
LARGE_IN_MEMORY = 4  # messages of one command that may use SPOOL_MEMORY
SMALL_MEMORY = 64 * 1024  # octets of each of the others; the rest lies in files


class Upload:
    """The messages of one APPEND on their way in. Closed when the command is over, however it ended."""

    __slots__ = ("_binary", "_directory", "failure", "mailbox", "spools")

    def __init__(self, mailbox: Mailbox, directory: Path) -> None:
        self.mailbox = mailbox
        self.spools: list[Spool] = []
        self.failure: SpoolUnavailable | None = None
        self._directory = directory
        self._binary: set[int] = set()  # places of messages that hold NUL octets

    def open(self) -> None:
        """Another message begins. The first few may stay in memory up to the usual size."""
        memory = SPOOL_MEMORY if len(self.spools) < LARGE_IN_MEMORY else SMALL_MEMORY
        self.spools.append(Spool(self._directory, memory))

    @property
    def size(self) -> int:
        """Octets of all messages so far."""
        return sum(spool.size for spool in self.spools)

    async def add(self, chunk: LiteralChunk) -> None:
        """Octets of the message that began last. If they cannot be kept the rest is thrown away too, and
        the command is refused at its end: in between the client could not hear it."""
        if self.failure is None:
            if b"\0" in chunk.octets:  # literal8 (RFC 3516 section 4.4)
                self._binary.add(len(self.spools) - 1)
            try:
                await self.spools[-1].append(chunk.octets)
            except SpoolUnavailable as error:
                self.failure = error

    async def encode_binary(self) -> None:
        """Put messages that hold NUL octets into a form without. Raises UnknownEncoding, SpoolUnavailable."""
        for place in sorted(self._binary):
            binary, encoded = self.spools[place], Spool(self._directory)
            try:
                await copy_without_nul(await binary.content(), encoded)
            except BaseException:
                await encoded.close()
                raise
            self.spools[place] = encoded
            await binary.close()

    async def close(self) -> None:
        """Forget the messages; those that were committed are in the store."""
        for spool in self.spools:
            await spool.close()


async def announced(session: Session, request: LiteralRequest) -> None:
    """Accept a message's literal. Raises whatever stands against it; the caller refuses it then."""
    if session.state not in (State.AUTHENTICATED, State.SELECTED):
        raise ImapSyntaxError("Please authenticate first.", request.tag)
    start = begin(request, session.form)
    Flags.parse(start.flags)
    if start.size == 0:
        raise ImapSyntaxError("There is no empty message.", start.tag)
    if session.upload is not None and session.upload.size + start.size > TOTAL_TIMES * _most(session):
        raise TooLarge("All messages of one command together are too large.")
    if session.upload is None:
        target = await target_mailbox(session, start.mailbox)
        if start.size > SMALL_MEMORY:  # for less, the answer after the message comes as soon
            (await session.host.store.quotas.of(target.account_id)).require(start.size)
        session.upload = Upload(target, session.host.spool)
    session.upload.open()
    session.framer.accept()
    if request.synchronizing:
        session.send(continuation("Go on."))


def _most(session: Session) -> int:
    return session.host.imap.max_append_size


async def append(session: Session, command: Append) -> Done:
    """RFC 9051 section 6.3.12, after all octets have come."""
    upload = session.upload
    if upload is None or not all(isinstance(sent.content, StreamedLiteral) for sent in command.messages):
        raise ImapSyntaxError("A message is sent as a literal.", command.tag)
    if upload.failure is not None:
        raise upload.failure
    now = datetime.now(UTC)
    messages = []
    await upload.encode_binary()
    for sent, spool in zip(command.messages, upload.spools, strict=True):
        prepared = await prepare_content(await spool.content())
        messages.append(NewMessage(prepared, sent.internal_date or now, Flags.parse(sent.flags)))
    try:
        appended = await session.host.store.committer.append(upload.mailbox.id, messages)
    except MailboxNotFound:  # deleted while the message came
        raise TargetMissing("There is no such mailbox any more; it can be created.") from None
    if session.selected is not None and session.selected.mailbox_id == appended.mailbox_id:
        await catch_up(session, appended.highestmodseq)
    return Done("APPEND completed.", AppendUid(appended.uidvalidity, appended.uids).encode())
