"""One message, opened: its text, its addressees, its files.

Everything is read out of the stored octets, so that nothing can differ from what was received. Large
messages are read one at a time, because opening one costs its size in memory while it is taken apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid5

from mailkeep.mime import addresses, charset, encoded_words, headers, parts, text, transfer
from mailkeep.mime.attachments import Attachment, attachments
from mailkeep.mime.scan import scan
from mailkeep.storage.interface import EmailRow, Store
from mailkeep_api.schemas.emails import (
    EmailAttachment,
    EmailDetail,
    EmailRecipient,
    LabelIds,
    RecipientType,
    list_fields,
)

LARGE = 1024 * 1024  # octets; larger ones are opened one at a time, in a thread
RECIPIENTS_LIMIT = 1000  # shown of one message
NO_NAME = "attachment"
"""What a file without a name is called."""

_large = asyncio.Semaphore(1)


async def open_email(store: Store, row: EmailRow, labels: LabelIds) -> EmailDetail:
    """The message of a row with all that a reader is shown. Raises NotFound if it is gone by now."""
    body = await store.messages.body(row.message_id)
    if body.size <= LARGE:
        return _opened(row, await body.read(), labels)
    async with _large:
        return await asyncio.to_thread(_opened, row, await body.read(), labels)


def _opened(row: EmailRow, octets: bytes, labels: LabelIds) -> EmailDetail:
    entities = scan(octets)
    html, plain = text.html_and_plain(octets, parts.unpack(parts.pack(entities)))
    header = octets[: entities[0].body_start]
    return EmailDetail(
        **list_fields(row, labels),
        text_body=plain,
        html_body=html,
        recipients=list(_recipients(row.email_id, header)),
        attachments=[_file(row.email_id, octets, found) for found in attachments(entities)],
    )


def _recipients(email_id: UUID, header: bytes) -> Iterator[EmailRecipient]:
    """To and Cc as the header has them. Bcc is never shown: it was not meant for this reader's eyes."""
    fields = headers.index(header, joined=(b"to", b"cc"))
    left = RECIPIENTS_LIMIT
    for kind in RecipientType:
        for number, mailbox in enumerate(addresses.parse(fields.get(kind.value.lower().encode(), b""))):
            if not mailbox.address or not left:
                continue
            left -= 1
            yield EmailRecipient(
                id=uuid5(email_id, f"{kind}:{number}"),
                address=_text(mailbox.address),
                display_name=encoded_words.decode(mailbox.name) if mailbox.name else None,
                type=kind,
            )


def _file(email_id: UUID, octets: bytes, found: Attachment) -> EmailAttachment:
    decoded = transfer.decoded_chunks(octets, found.start, found.end, found.encoding)
    return EmailAttachment(
        id=attachment_id_of(email_id, found.number),
        file_name=found.file_name or NO_NAME,
        content_type=found.media_type,
        size_bytes=sum(map(len, decoded)),
    )


def attachment_id_of(email_id: UUID, number: int) -> UUID:
    """The id of a file: made from the message's and the part's number, so that it needs no table."""
    return uuid5(email_id, f"attachment:{number}")


def _text(octets: bytes) -> str:
    return charset.decode(octets, "")
