"""Which of some messages a filter would match, asked of mail that is here already."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from mailkeep.mime import parts
from mailkeep.mime.scan import scan
from mailkeep.mime.text import html_and_plain
from mailkeep.model.mail_filter import Facts, MailFilter, matches
from mailkeep.storage.interface import EmailRow, Store


async def matching(store: Store, one: MailFilter, rows: Sequence[EmailRow]) -> list[UUID]:
    """The ids of those that match, in their order. Texts are read only if the filter looks at them."""
    texts = await _texts(store, rows) if one.body else {}
    return [row.email_id for row in rows if matches(one, _facts(row, texts))]


async def _texts(store: Store, rows: Sequence[EmailRow]) -> dict[int, str]:
    found: dict[int, str] = {}
    async for message_id, octets in store.messages.bodies(sorted({row.message_id for row in rows})):
        found[message_id] = await asyncio.to_thread(_text, octets)
    return found


def _text(octets: bytes) -> str:
    html, plain = html_and_plain(octets, parts.unpack(parts.pack(scan(octets))))
    return (html or "") if plain is None else plain


def _facts(row: EmailRow, texts: dict[int, str]) -> Facts:
    body = texts.get(row.message_id)
    return Facts(row.from_address, row.from_name, row.subject, row.attachment_count > 0, body)
