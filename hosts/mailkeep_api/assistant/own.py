"""The caller's mailbox here, by the same doors that the REST routes use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from mailkeep.errors import NotFound, Refusal
from mailkeep.mime.answering import answered, subject_of
from mailkeep.mime.text import html_to_text
from mailkeep.model.mailbox import Mailbox as Box
from mailkeep.model.mailbox import SpecialUse
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep_api import changes, sending, views
from mailkeep_api.assistant import arguments
from mailkeep_api.assistant.answering import forwarded_text, with_quote
from mailkeep_api.assistant.mailbox import (
    Folder,
    Item,
    Marked,
    Moved,
    Opened,
    Page,
    Sent,
    ShownFile,
    ShownLabel,
)
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.queries import Sought
from mailkeep_api.schemas.emails import EmailDetail, RecipientType
from mailkeep_api.schemas.sending import NewMessage
from mailkeep_api.searching import search

HEADER_LIMIT = 256 * 1024  # octets of a message that its addressees are looked for in

Names = Mapping[str, str]  # of labels, by their keywords in lower case


class OwnMailbox:
    """One caller's, for one call."""

    def __init__(self, services: Services, caller: UserCaller) -> None:
        self._services = services
        self._store = services.store
        self._caller = caller

    # --- looking -----------------------------------------------------------------------------------

    async def list_emails(self, asked: arguments.ListEmails) -> Page:
        """A piece of a folder, newest first."""
        box = await self._box(asked.folder)
        rows, total, _ = await self._store.emails.page(
            self._caller.account_id, asked.offset, asked.limit, box.name
        )
        return await self._page(rows, total)

    async def search_emails(self, asked: arguments.SearchEmails) -> Page:
        """Received mail, or that of a folder with a use."""
        which = EmailFilter(
            special_use=await self._use_of(asked.folder),
            since=asked.since,
            until=asked.until,
            has_attachments=asked.has_attachments,
            is_read=asked.is_read,
        )
        wanted = Sought(asked.text if asked.text.strip() else "", which)
        rows, total = await search(self._store, self._caller.account_id, wanted, asked.offset, asked.limit)
        return await self._page(rows, total)

    async def read_email(self, asked: arguments.ReadEmail) -> Opened:
        """One message, which stays unread."""
        return await self._opened(await self._row(asked.email_id), asked.max_characters)

    async def get_folders(self, asked: arguments.GetFolders) -> Sequence[Folder]:
        """All that can hold mail."""
        return [
            Folder(box.name, box.special_use.value if box.special_use else "", box.messages, box.unseen)
            for box in await self._store.mailboxes.list(self._caller.account_id)
            if box.selectable
        ]

    async def list_labels(self, asked: arguments.ListLabels) -> Sequence[ShownLabel]:
        """All of them."""
        labels = await self._store.labels.list(self._caller.user_id)
        return [ShownLabel(label.name, label.color) for label in labels]

    # --- sending -----------------------------------------------------------------------------------

    async def send_email(self, asked: arguments.SendEmail) -> Sent:
        """By the way of every submitted message."""
        return await self._send(
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

    async def reply_email(self, asked: arguments.ReplyEmail) -> Sent:
        """In the thread of its question."""
        row = await self._row(asked.email_id)
        body = await self._store.messages.body(row.message_id)
        header, _, _ = (await body.read(0, min(body.size, HEADER_LIMIT))).partition(b"\r\n\r\n")
        to = answered(header + b"\r\n", await self._own_addresses(), everybody=asked.reply_all)
        text, html = asked.text, asked.html
        if asked.quote:
            text, html = with_quote(text, html, await self._opened(row, arguments.TEXT_LIMIT))
        return await self._send(
            {
                "to": to.to,
                "cc": to.cc,
                "subject": subject_of("Re:", row.subject),
                "text_body": text,
                "html_body": html,
                "attachments": [one.as_new() for one in asked.attachments],
                "reply_to_email_id": row.email_id,
            }
        )

    async def forward_email(self, asked: arguments.ForwardEmail) -> Sent:
        """With its text below the forwarder's, and its files."""
        row = await self._row(asked.email_id)
        original = await self._opened(row, arguments.TEXT_LIMIT)
        return await self._send(
            {
                "to": asked.to,
                "subject": subject_of("Fwd:", row.subject),
                "text_body": forwarded_text(asked.text, original),
                "attachments": [one.as_new() for one in asked.attachments],
                "forward_email_id": row.email_id,
                "forward_as": "files" if asked.with_files else "text",
            }
        )

    async def _send(self, fields: Mapping[str, object]) -> Sent:
        new = NewMessage.model_validate(fields)
        sent = await sending.send(self._services, self._caller, new)
        return Sent(sent.message_id, sent.delivered, sent.queued)

    async def _own_addresses(self) -> frozenset[str]:
        found = await self._store.directory.addresses(self._caller.user_id)
        return frozenset(one.address.lower() for one in found)

    # --- changing ----------------------------------------------------------------------------------

    async def delete_email(self, asked: arguments.DeleteEmail) -> Moved:
        """Into Trash; what lies there stays, because nothing is deleted for good by an assistant."""
        boxes = await self._store.mailboxes.list(self._caller.account_id)
        trash = next((box for box in boxes if box.special_use is SpecialUse.TRASH), None)
        if trash is None:
            raise NotFound("This account has no Trash.")
        return await self._move(asked.email_id, trash)

    async def move_email(self, asked: arguments.MoveEmail) -> Moved:
        """Out of every folder that it lies in."""
        return await self._move(asked.email_id, await self._box(asked.folder))

    async def mark_email_read(self, asked: arguments.MarkEmailRead) -> Marked:
        """Wherever it lies."""
        row = await self._row(asked.email_id)
        await changes.set_read(self._services, self._caller, [row.email_id], asked.is_read)
        return Marked(asked.email_id, asked.is_read)

    async def _move(self, email_id: str, target: Box) -> Moved:
        row = await self._row(email_id)
        await changes.move(self._services, self._caller, row.email_id, target.id)
        return Moved(email_id, target.name)

    # --- what these share --------------------------------------------------------------------------

    async def _row(self, email_id: str) -> EmailRow:
        try:
            wanted = UUID(email_id)
        except ValueError:
            raise NotFound("There is no such message.") from None
        return await self._store.emails.get(self._caller.account_id, wanted)

    async def _box(self, name: str) -> Box:
        box = await self._store.mailboxes.get(self._caller.account_id, name)
        if not box.selectable:
            raise Refusal(f"{box.name} is a name above other folders, and holds no mail.")
        return box

    async def _use_of(self, folder: str | None) -> SpecialUse | None:
        if folder is None:
            return None
        box = await self._box(folder)
        if box.special_use is None:
            raise Refusal("Searched is all received mail, or a folder with a use: Sent, Trash and the like.")
        return box.special_use

    async def _page(self, rows: Sequence[EmailRow], total: int) -> Page:
        names = await self._label_names(rows)
        return Page([_item(row, names) for row in rows], total)

    async def _label_names(self, rows: Sequence[EmailRow]) -> Names:
        if not any(row.flags.keywords for row in rows):
            return {}
        labels = await self._store.labels.list(self._caller.user_id)
        return {label.keyword.lower(): label.name for label in labels}

    async def _opened(self, row: EmailRow, characters: int) -> Opened:
        detail = await views.opened(self._services, self._caller, row.email_id)
        text = await _text_of(detail, characters)
        return Opened(
            email=_item(row, await self._label_names([row])),
            to=_addressees(detail, RecipientType.TO),
            cc=_addressees(detail, RecipientType.CC),
            text=text[:characters],
            is_cut_off=len(text) > characters,
            files=[ShownFile(one.file_name, one.content_type, one.size_bytes) for one in detail.attachments],
        )


async def _text_of(detail: EmailDetail, characters: int) -> str:
    """The plain text; of a message without, what its HTML says, as far as it is wanted and a little more."""
    if detail.text_body is not None and detail.text_body.strip():
        return detail.text_body
    if detail.html_body is None:
        return ""
    return await asyncio.to_thread(html_to_text, detail.html_body, characters + 1)


def _addressees(detail: EmailDetail, kind: RecipientType) -> list[str]:
    return [one.address for one in detail.recipients if one.type is kind]


def _item(row: EmailRow, names: Names) -> Item:
    words = (word.lower() for word in row.flags.keywords)
    return Item(
        email_id=str(row.email_id),
        sender=row.from_address,
        sender_name=row.from_name,
        subject=row.subject,
        received_at=row.received_at,
        is_read="\\Seen" in row.flags.names(),
        size=row.size,
        folder=row.mailbox,
        labels=tuple(names[word] for word in words if word in names),
        attachments=row.attachment_count,
        preview=row.preview,
    )
