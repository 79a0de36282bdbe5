"""What THREAD needs of the messages that were found, read from their rows and put into trees on a thread.

Ids and subjects are in the message row, made at delivery. One text that many messages name is held once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mailkeep.errors import LimitExceeded
from mailkeep.imap.thread_data import ThreadData
from mailkeep.imap.thread_links import Threadable
from mailkeep.imap.threads import ThreadEntries
from mailkeep.mime.subject import base_subject
from mailkeep.model.casemap import fold
from mailkeep.model.message import MessageSummary
from mailkeep.storage.interface import Column, Messages
from mailkeep_imap.searching.columns import Columns

NAMES_LIMIT = 2_000_000
"""References in all of the messages of one THREAD: at most 400 MB, and some 20 MB in an honest mailbox of a
hundred thousand messages."""

Algorithm = Callable[[Sequence[Threadable]], ThreadEntries]


async def threads_response(
    algorithm: Algorithm,
    places: Sequence[int],
    numbers: Sequence[int],
    columns: Columns,
    messages: Messages,
) -> bytes:
    """The THREAD response for places and the numbers that the client knows them by. A message that is gone
    meanwhile is left out. Raises LimitExceeded."""
    gathering = _Gathering()
    message_ids = list(dict.fromkeys(columns.message_ids[place] for place in places))
    async for rows in messages.rows(message_ids, (Column.SUMMARY,)):
        await asyncio.to_thread(gathering.add, rows)
    return await asyncio.to_thread(_encoded, algorithm, gathering, places, numbers, columns)


def _encoded(
    algorithm: Algorithm,
    gathering: _Gathering,
    places: Sequence[int],
    numbers: Sequence[int],
    columns: Columns,
) -> bytes:
    found = []
    for place, number in zip(places, numbers, strict=True):
        facts = gathering.facts.get(columns.message_ids[place])
        if facts is not None:
            found.append(_threadable(number, facts, columns.internal_dates[place]))
    return ThreadData(algorithm(found)).encode()


Facts = tuple[str, tuple[str, ...], str, bool, float | None]


def _threadable(number: int, facts: Facts, received: int) -> Threadable:
    message_id, references, subject, is_reply, sent = facts
    moment = received if sent is None else sent  # RFC 5256 section 2.2
    return Threadable(number, message_id, references, subject, is_reply, moment, received)


class _Gathering:
    """Facts by message id."""

    __slots__ = ("_names", "_texts", "facts")

    def __init__(self) -> None:
        self.facts: dict[int, Facts] = {}
        self._texts: dict[str, str] = {}
        self._names = 0

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take in rows of (message id, summary). Raises LimitExceeded."""
        for message_id, summary in rows:
            self.facts[message_id] = self._facts_of(summary)
        if self._names > NAMES_LIMIT:
            raise LimitExceeded("These messages have too many references to be threaded; search for fewer.")

    def _facts_of(self, summary: MessageSummary) -> Facts:
        self._names += len(summary.references)
        return (
            self._once(summary.message_id),
            tuple(map(self._once, summary.references)),
            self._once(fold(summary.base_subject)),
            base_subject(summary.subject)[1],
            summary.sent_at.timestamp() if summary.sent_at else None,
        )

    def _once(self, text: str) -> str:
        return self._texts.setdefault(text, text)
