"""A mailbox elsewhere that a browser session has lent: IMAP to look and to change, SMTP to send.

Each call opens its own connection and closes it. What may take long has an end: the call as a whole, each
command, and how many calls there are at a time. The provider keeps the copy of what is sent, as Gmail and
Outlook do by themselves. What it sends is not in the queue, which would need the token later: `in_doubt` says
how an attempt that is made again is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from mailkeep.errors import InvalidName, MailkeepError, Refusal, SenderRefused, TooLarge
from mailkeep.mime import addresses, charset, compose, headers, parts, transfer
from mailkeep.mime.answering import answered, subject_of
from mailkeep.mime.attachments import attachments
from mailkeep.mime.scan import scan
from mailkeep.mime.summary import summarise
from mailkeep.mime.text import html_and_plain, html_to_text
from mailkeep.model.address import Address
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep.upstream.sent import lies_in_sent
from mailkeep.upstream.smtp_client import SmtpConnection
from mailkeep_api.assistant import arguments, elsewhere
from mailkeep_api.assistant.answering import forwarded_text, with_quote
from mailkeep_api.assistant.in_doubt import InDoubt, digest_of
from mailkeep_api.assistant.lent import Lent
from mailkeep_api.assistant.mailbox import Folder, Marked, Moved, Opened, Page, Sent, ShownFile, ShownLabel
from mailkeep_api.assistant.places import Places
from mailkeep_api.opened import NO_NAME, RECIPIENTS_LIMIT
from mailkeep_api.schemas.sending import NewMessage
from mailkeep_api.sending import addressed_of, files_of, named_of

CALL_SECONDS = 60.0  # of one tool, whatever it takes
SENT_LIMIT = 25 * 1024 * 1024  # octets of a message; what Gmail takes

Result = TypeVar("Result")


class ConnectedMailbox:
    """One account, for one call. `local_hostname` is who we say we are to its submission server; `places` and
    `in_doubt` are the process's."""

    def __init__(self, lent: Lent, local_hostname: str, places: Places, in_doubt: InDoubt) -> None:
        self._lent = lent
        self._local_hostname = local_hostname
        self._places = places
        self._in_doubt = in_doubt

    # --- looking -----------------------------------------------------------------------------------

    async def list_emails(self, asked: arguments.ListEmails) -> Page:
        """A piece of a folder, newest first."""
        return await self._run(lambda client: elsewhere.listed(client, asked))

    async def search_emails(self, asked: arguments.SearchEmails) -> Page:
        """Gmail's All Mail, or INBOX, or the folder that is named."""
        return await self._run(lambda client: elsewhere.searched(client, asked))

    async def read_email(self, asked: arguments.ReadEmail) -> Opened:
        """One message, which stays unread."""
        found = await self._run(lambda client: elsewhere.whole(client, asked.email_id))
        return await asyncio.to_thread(_opened, found, asked.max_characters)

    async def get_folders(self, asked: arguments.GetFolders) -> Sequence[Folder]:
        """All that can hold mail."""
        return await self._run(elsewhere.folders)

    async def list_labels(self, asked: arguments.ListLabels) -> Sequence[ShownLabel]:
        """IMAP keywords; Gmail's labels are its folders."""
        return await self._run(elsewhere.labels)

    # --- sending -----------------------------------------------------------------------------------

    async def send_email(self, asked: arguments.SendEmail) -> Sent:
        """As the account's own address."""
        new = NewMessage.model_validate(
            {
                "from": asked.sender,
                "to": asked.to,
                "cc": asked.cc,
                "bcc": asked.bcc,
                "subject": asked.subject,
                "text_body": asked.text,
                "html_body": asked.html,
                "attachments": [one.as_new() for one in asked.attachments],
            }
        )
        return await self._send(new, self._draft(new))

    async def reply_email(self, asked: arguments.ReplyEmail) -> Sent:
        """In the thread of its question, which is marked as answered."""
        parent = await self._run(lambda client: elsewhere.whole(client, asked.email_id))
        header = parent.octets.partition(b"\r\n\r\n")[0] + b"\r\n"
        to = answered(header, frozenset({self._lent.address.lower()}), everybody=asked.reply_all)
        text, html = asked.text, asked.html
        if asked.quote:
            original = await asyncio.to_thread(_opened, parent, arguments.TEXT_LIMIT)
            text, html = with_quote(text, html, original)
        new = NewMessage.model_validate(
            {
                "to": to.to,
                "cc": to.cc,
                "subject": subject_of("Re:", parent.item.subject),
                "text_body": text,
                "html_body": html,
                "attachments": [one.as_new() for one in asked.attachments],
            }
        )
        in_reply_to, references = _thread(header)
        draft = replace(self._draft(new), in_reply_to=in_reply_to, references=references)
        sent = await self._send(new, draft)
        await self._note(asked.email_id, "\\Answered")
        return sent

    async def forward_email(self, asked: arguments.ForwardEmail) -> Sent:
        """With its text below the forwarder's, and its files."""
        parent = await self._run(lambda client: elsewhere.whole(client, asked.email_id))
        original = await asyncio.to_thread(_opened, parent, arguments.TEXT_LIMIT)
        new = NewMessage.model_validate(
            {
                "to": asked.to,
                "subject": subject_of("Fwd:", parent.item.subject),
                "text_body": forwarded_text(asked.text, original),
                "attachments": [one.as_new() for one in asked.attachments],
            }
        )
        files = await asyncio.to_thread(files_of, parent.octets) if asked.with_files else ()
        references = _thread(parent.octets.partition(b"\r\n\r\n")[0] + b"\r\n")[1]
        draft = self._draft(new)
        sent = await self._send(new, replace(draft, files=(*draft.files, *files), references=references))
        await self._note(asked.email_id, "$Forwarded")
        return sent

    def _draft(self, new: NewMessage) -> compose.Draft:
        """Raises InvalidName, SenderRefused."""
        own = Address.parse(self._lent.address)
        author = named_of(new.from_) if new.from_ is not None else compose.Named(own)
        if author.address.key != own.key:
            raise SenderRefused(f"The sender is {own}, the connected account's own address.")
        addressed = addressed_of(new)
        if not all(address.is_ascii for address in addressed.everybody()):
            raise InvalidName("A connected account sends to addresses in ASCII alone.")
        return compose.Draft(
            author=author,
            message_id=f"{uuid4()}@{own.domain}",
            date=datetime.now(UTC),
            to=addressed.to,
            cc=addressed.cc,
            subject=new.subject,
            text=new.text_body,
            html=new.html_body,
            files=tuple(
                compose.File(one.file_name, one.content_type, one.content) for one in new.attachments
            ),
        )

    async def _send(self, new: NewMessage, draft: compose.Draft) -> Sent:
        """Raises TooLarge, UpstreamError. What was asked for before and may have arrived bears the same
        Message-ID, and is not sent again if it lies in Sent."""
        everybody = addressed_of(new).everybody()
        key = await asyncio.to_thread(digest_of, self._lent.name, draft, everybody)
        draft, is_again = self._in_doubt.begin(key, draft)
        if is_again and await self._run(lambda client: lies_in_sent(client, draft.message_id)):
            self._in_doubt.settle(key)
            return Sent(draft.message_id, [], [str(one) for one in everybody], [])
        try:
            sent = await self._submit(draft, [str(one) for one in everybody])
        except MailkeepError as error:
            if not (isinstance(error, UpstreamError) and error.code is UpstreamCode.UNAVAILABLE):
                self._in_doubt.settle(key)  # else it may have arrived
            raise
        self._in_doubt.settle(key)
        return sent

    async def _submit(self, draft: compose.Draft, recipients: Sequence[str]) -> Sent:
        octets = await asyncio.to_thread(compose.compose, draft)
        if len(octets) > SENT_LIMIT:
            raise TooLarge(f"A message has at most {SENT_LIMIT} octets.")
        connection = SmtpConnection(self._lent.smtp, self._local_hostname)

        async def sent() -> Sent:
            try:
                await connection.open()
                told = await connection.send(str(draft.author.address), recipients, octets)
            finally:
                await connection.close()
            taken = [one for one in recipients if one not in told.refused]
            refused = [f"{address}: {words}" for address, words in told.refused.items()]
            return Sent(draft.message_id, [], taken, refused)

        return await self._within(
            sent, "It may have arrived: send the same again, and Sent is looked into first."
        )

    async def _note(self, email_id: str, flag: str) -> None:
        """What is sent is sent: that its parent could not be marked is no reason to send it again."""
        with suppress(MailkeepError):
            await self._run(lambda client: elsewhere.flag(client, email_id, flag, on=True))

    # --- changing ----------------------------------------------------------------------------------

    async def delete_email(self, asked: arguments.DeleteEmail) -> Moved:
        """Into Trash; what lies there stays."""
        return await self._run(lambda client: elsewhere.moved(client, asked.email_id, "Trash"))

    async def move_email(self, asked: arguments.MoveEmail) -> Moved:
        """Into another folder."""
        return await self._run(lambda client: elsewhere.moved(client, asked.email_id, asked.folder))

    async def mark_email_read(self, asked: arguments.MarkEmailRead) -> Marked:
        """Read or unread."""
        await self._run(lambda client: elsewhere.flag(client, asked.email_id, "\\Seen", on=asked.is_read))
        return Marked(asked.email_id, asked.is_read)

    # --- what these share --------------------------------------------------------------------------

    async def _run(self, work: Callable[[Any], Result]) -> Result:
        """`work(client)` with a connection of its own. Raises what it raises, Throttled, UpstreamError."""
        connection = ImapConnection(self._lent.imap)

        async def done() -> Result:
            try:
                await connection.open()
                outcome = await connection.run(lambda client: _outcome(work, client))
            finally:
                await connection.close()
            if isinstance(outcome, Refusal):
                raise outcome
            return outcome

        return await self._within(done)

    async def _within(self, work: Callable[[], Awaitable[Result]], advice: str = "") -> Result:
        with self._places.one(self._lent.name):
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    return await work()
            except TimeoutError:
                sentence = f"{self._lent.provider} did not answer in {CALL_SECONDS:g} s. {advice}"
                raise UpstreamError(UpstreamCode.UNAVAILABLE, sentence.strip()) from None
            except UpstreamError as error:
                if error.code is not UpstreamCode.TOKEN:
                    raise
                sentence = f"{error} Connect {self._lent.provider} again in the browser."
                raise UpstreamError(UpstreamCode.SIGN_IN, sentence) from None


def _outcome(work: Callable[[Any], Result], client: Any) -> Result | Refusal:
    """The connection takes what its thread raises for the server's fault; a refusal is ours."""
    try:
        return work(client)
    except Refusal as refusal:
        return refusal


# --- out of octets -------------------------------------------------------------------------------


def _opened(found: elsewhere.Whole, characters: int) -> Opened:
    """What a reader is shown. Blocks."""
    octets = found.octets
    entities = scan(octets)
    html, plain = html_and_plain(octets, parts.unpack(parts.pack(entities)))
    text = plain if plain and plain.strip() else html_to_text(html, characters + 1) if html else ""
    fields = headers.index(octets[: entities[0].body_start], joined=(b"to", b"cc"))
    return Opened(
        email=found.item,
        to=_read(fields, b"to"),
        cc=_read(fields, b"cc"),
        text=text[:characters],
        is_cut_off=len(text) > characters,
        files=[
            ShownFile(
                one.file_name or NO_NAME,
                one.media_type,
                sum(map(len, transfer.decoded_chunks(octets, one.start, one.end, one.encoding))),
            )
            for one in attachments(entities)
        ],
    )


def _read(fields: Mapping[bytes, bytes], name: bytes) -> list[str]:
    return [charset.decode(one.address, "") for one in addresses.parse(fields.get(name, b"")) if one.address][
        :RECIPIENTS_LIMIT
    ]


def _thread(header: bytes) -> tuple[str, tuple[str, ...]]:
    """(In-Reply-To, References) of an answer to a message with this header."""
    octets = header + b"\r\n"
    summary = summarise(octets, scan(octets))
    return compose.thread(summary.message_id, summary.references)
