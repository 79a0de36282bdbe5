"""Searching a mailbox for text: what the database can tell narrows it, then the messages are read.

Compared are the sender, the subject, the plain text and the HTML as sent, decoded, by the collation in which
IMAP's SEARCH compares. Where that has made its index of words, a message without HTML in whose text the index
does not find what is sought is not read; HTML is, because the index knows what it says and not how it is
written. It is exact, and its work is bounded: a search that would go through too much is refused with a word
on how to narrow it, rather than answered in part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from mailkeep.errors import Refusal
from mailkeep.mime import parts
from mailkeep.mime.scan import scan
from mailkeep.mime.text import html_and_plain
from mailkeep.model.casemap import fold
from mailkeep.storage.interface import Column, Containing, EmailRow, Field, Store
from mailkeep_api.queries import Sought

MESSAGES_LIMIT = 50_000  # that one search may read
OCTETS_LIMIT = 2 * 1024 * 1024 * 1024
SEARCHES_AT_ONCE = 2  # of the process; the others wait, so that reading mail stays quick
ROWS_AT_ONCE = 200
THREAD_OCTETS = 1024 * 1024  # taken apart in one go in a thread

_searches = asyncio.Semaphore(SEARCHES_AT_ONCE)


async def search(
    store: Store, account_id: int, wanted: Sought, offset: int, limit: int
) -> tuple[Sequence[EmailRow], int]:
    """(`limit` rows from `offset` on, how many there are in all). Raises Refusal past the limits."""
    messages, octets = await store.emails.count(account_id, wanted.which)
    if not wanted.text:
        return await store.emails.find(account_id, wanted.which, offset, limit), messages
    if messages > MESSAGES_LIMIT or octets > OCTETS_LIMIT:
        raise Refusal("The search would go through too much mail; narrow it by fromDate and toDate.")
    rows: list[EmailRow] = []
    total = 0
    async with _searches:
        async for row in _matching(store, account_id, wanted):
            if offset <= total < offset + limit:
                rows.append(row)
            total += 1
    return rows, total


async def _matching(store: Store, account_id: int, wanted: Sought) -> AsyncIterator[EmailRow]:
    needle = fold(wanted.text)
    index = _Index(store, needle)
    after: EmailRow | None = None
    while batch := await store.emails.find(account_id, wanted.which, 0, ROWS_AT_ONCE, after):
        after = batch[-1]
        told = {row.message_id for row in batch if _heads_match(row, needle)}
        unread = await index.worth_reading([row for row in batch if row.message_id not in told])
        told |= await _bodies_match(store, unread, needle)
        for row in batch:
            if row.message_id in told:
                yield row


class _Index:
    """What the index of words knows of one needle, asked once for each mailbox."""

    def __init__(self, store: Store, needle: str) -> None:
        self._store = store
        self._needle = needle
        self._known: dict[int, Containing] = {}

    async def worth_reading(self, rows: Sequence[EmailRow]) -> set[int]:
        """Ids of the messages of which it cannot say that their text does not hold the needle."""
        wanted, without = set[int](), set[int]()
        for row in rows:
            known = await self._of(row.mailbox_id)
            told = row.uid <= known.through and row.uid not in known.certain | known.possible
            (without if told else wanted).add(row.message_id)
        return wanted | await self._with_html(without - wanted)

    async def _of(self, mailbox_id: int) -> Containing:
        if mailbox_id not in self._known:
            texts = self._store.texts
            self._known[mailbox_id] = await texts.containing(mailbox_id, (Field.BODY,), self._needle)
        return self._known[mailbox_id]

    async def _with_html(self, message_ids: set[int]) -> set[int]:
        found: set[int] = set()
        async for batch in self._store.messages.rows(sorted(message_ids), [Column.PARTS]):
            found |= {message_id for message_id, packed in batch if _has_html(packed)}
        return found


def _has_html(packed: bytes) -> bool:
    return any(part.media_type == "text/html" for part in parts.unpack(packed).walk())


def _heads_match(row: EmailRow, needle: str) -> bool:
    return any(needle in fold(text) for text in (row.subject, row.from_address, row.from_name))


async def _bodies_match(store: Store, message_ids: set[int], needle: str) -> set[int]:
    found: set[int] = set()
    waiting: list[tuple[int, bytes]] = []
    octets = 0
    async for message_id, body in store.messages.bodies(sorted(message_ids)):
        waiting.append((message_id, body))
        octets += len(body)
        if octets >= THREAD_OCTETS:
            found |= await asyncio.to_thread(_with_text, waiting, needle)
            waiting, octets = [], 0
    return found | await asyncio.to_thread(_with_text, waiting, needle)


def _with_text(bodies: list[tuple[int, bytes]], needle: str) -> set[int]:
    return {message_id for message_id, octets in bodies if _has_text(octets, needle)}


def _has_text(octets: bytes, needle: str) -> bool:
    shown = html_and_plain(octets, parts.unpack(parts.pack(scan(octets))))
    return any(needle in fold(text) for text in shown if text is not None)
