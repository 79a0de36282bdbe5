"""Carrying out a search plan: each test narrows what the tests before it left.

Rows and messages are read in the store's own batches, each judged on a thread, so that neither the event
loop nor memory feels the size of the mailbox. A message that is expunged while the search runs matches
no test that would have to read it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from itertools import compress
from typing import Any

from mailkeep.imap.commands.search_keys import (
    DateKey,
    HeaderKey,
    ObjectIdKey,
    ObjectIdTest,
    TextField,
    TextKey,
)
from mailkeep.mime import parts
from mailkeep.model.casemap import fold
from mailkeep.storage.interface import Column, Field, JoinedHeaders, Messages, Texts
from mailkeep_imap.objects import object_id
from mailkeep_imap.searching import indexed
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.indexed import SAVE_DATES, Places
from mailkeep_imap.searching.plan import Cost, Either, Every, Indexed, Plan, Read, Resembling, Unless
from mailkeep_imap.searching.resembling import resembling
from mailkeep_imap.searching.texts import (
    HeaderSieve,
    folded_body,
    folded_header,
    header_score,
    header_sieve,
    header_test,
    message_score,
    seeking,
)

Rows = Sequence[tuple[Any, ...]]
Judge = Callable[[Rows], set[int]]

SLICE = 10_000  # messages that the snapshot's tests look at before others get their turn
WORTH_ASKING = 32  # messages; fewer are read as quickly as the index of the mailbox
FIELDS = {TextField.BODY: (Field.BODY,), TextField.TEXT: (Field.HEADER, Field.BODY)}
INLINE_ROWS = 8  # fewer are judged at once: a thread costs more
BODY_SLICE = 256  # messages whose part indexes are held at a time
_NEVER = float("nan")  # what is gone meanwhile is neither before nor after any day
JUDGED_OCTETS = 1024 * 1024  # of whole messages, judged in one go


async def find(
    plan: Plan, columns: Columns, messages: Messages, texts: Texts, among: Places | None = None
) -> Sequence[int]:
    """Places of the messages that match, ascending: of all, or of those at the places `among`."""
    places = range(len(columns)) if among is None else among
    return list(await _narrow(plan, columns, places, messages, texts))


async def _narrow(plan: Plan, columns: Columns, places: Places, messages: Messages, texts: Texts) -> Places:
    if not places:
        return ()
    match plan:
        case Indexed(key):
            if len(places) > SLICE:
                await asyncio.sleep(0)
            return indexed.narrow(key, columns, places)
        case Read():
            return await _read(plan, columns, places, messages, texts)
        case Resembling():
            if len(places) >= WORTH_ASKING:
                places = await _perhaps(plan.key, columns, places, texts)
            return await _look(plan, columns, places, messages)
        case Every(plans):
            for inner in plans:
                places = await _narrow(inner, columns, places, messages, texts)
            return places
        case Either(left, right):
            first = set(await _narrow(left, columns, places, messages, texts))
            rest = [place for place in places if place not in first]
            return sorted(first.union(await _narrow(right, columns, rest, messages, texts)))
        case Unless(inner):
            matching = set(await _narrow(inner, columns, places, messages, texts))
            return [place for place in places if place not in matching]


async def _read(plan: Read, columns: Columns, places: Places, messages: Messages, texts: Texts) -> Places:
    if isinstance(plan.key, DateKey) and plan.key.test in SAVE_DATES:
        return await _saved(plan.key, columns, places, messages)
    if isinstance(plan.key, TextKey | HeaderKey) and len(places) >= WORTH_ASKING:
        certain, unsure = await _by_index(plan.key, columns, places, texts)
        return sorted([*certain, *await _look(plan, columns, unsure, messages)])
    return await _look(plan, columns, places, messages)


async def _by_index(
    key: TextKey | HeaderKey, columns: Columns, places: Places, texts: Texts
) -> tuple[list[int], Places]:
    """Places that match, and those that have to be looked at: of which the index cannot tell, or not yet."""
    fields = _fields(key)
    found = await texts.containing(columns.mailbox_id, fields, fold(key.text))
    certain, possible = found.certain, found.possible
    if fields == (Field.HEADER,):  # in which of the fields the header does not tell
        certain, possible = frozenset[int](), certain | possible
    known = bisect_right(columns.uids, found.through)
    if not known:
        return [], places
    uids = columns.uids
    matching = [place for place in places if uids[place] in certain]
    unsure = [place for place in places if place >= known or uids[place] in possible]
    return matching, unsure


async def _perhaps(key: TextKey | HeaderKey, columns: Columns, places: Places, texts: Texts) -> Sequence[int]:
    """Places of those that have something like each word that a fuzzy key looks for."""
    for word in seeking(key).words:
        found = await texts.having(columns.mailbox_id, _fields(key), partial(resembling, word))
        known = bisect_right(columns.uids, found.through)
        places = [place for place in places if place >= known or columns.uids[place] in found.possible]
    return list(places)


def _fields(key: TextKey | HeaderKey) -> tuple[Field, ...]:
    return FIELDS.get(key.field, (Field.HEADER,)) if isinstance(key, TextKey) else (Field.HEADER,)


async def _look(plan: Read | Resembling, columns: Columns, places: Places, messages: Messages) -> Places:
    ids = columns.ids_at(places)
    wanted = ids if len(set(ids)) == len(ids) else list(dict.fromkeys(ids))  # one may be there twice
    found: set[int] = set()
    async for rows, judge in _batches(plan, wanted, messages):
        if plan.cost is Cost.ROW and len(rows) <= INLINE_ROWS:
            found |= judge(rows)
        else:
            found |= await asyncio.to_thread(judge, rows)
    return list(compress(places, map(found.__contains__, ids))) if found else ()


async def _saved(key: DateKey, columns: Columns, places: Places, messages: Messages) -> Places:
    """RFC 8514 section 4.3."""
    low, high = indexed.day_bounds(key)
    dates = await messages.save_dates(columns.mailbox_id, [columns.uids[place] for place in places])
    return [place for place in places if low <= dates.get(columns.uids[place], _NEVER) < high]


async def _batches(
    plan: Read | Resembling, message_ids: Sequence[int], messages: Messages
) -> AsyncIterator[tuple[Rows, Judge]]:
    key = plan.key
    if isinstance(key, ObjectIdKey):
        if key.test is ObjectIdTest.THREADID:  # no message has one
            return
        async for rows in messages.rows(message_ids, (Column.EMAIL_ID,)):
            yield rows, lambda batch: {row[0] for row in batch if object_id(row[1]) == key.object_id}
    elif isinstance(key, TextKey) and plan.cost is Cost.BODY:
        judge = _message_judge(key) if isinstance(plan, Read) else _message_rater(key)
        for start in range(0, len(message_ids), BODY_SLICE):
            async for rows in whole_messages(message_ids[start : start + BODY_SLICE], messages):
                yield rows, judge
    else:
        test = header_score(plan.key) if isinstance(plan, Resembling) else header_test(key)
        sieve = None if isinstance(plan, Resembling) or isinstance(key, DateKey) else header_sieve(key)
        async for headers in messages.headers(message_ids):
            left = _left(sieve, headers)
            if left:
                sections = headers.sections()
                yield [(headers.ids[at], sections[at]) for at in left], _by(test)


def _left(sieve: HeaderSieve | None, headers: JoinedHeaders) -> Sequence[int]:
    """Places of those that have to be tested."""
    alone = len(headers.ids) <= 1
    return range(len(headers.ids)) if sieve is None or alone else sieve(headers.octets)


def _by(test: Callable[[bytes], int]) -> Judge:
    return lambda rows: {row[0] for row in rows if test(row[1])}


async def whole_messages(message_ids: Sequence[int], messages: Messages) -> AsyncIterator[Rows]:
    """Rows of (message id, packed part index, octets) in the order of the ids."""
    packed: dict[int, bytes] = {}
    async for rows in messages.rows(message_ids, (Column.PARTS,)):
        packed.update(rows)
    held, octets_held = [], 0
    async for message_id, octets in messages.bodies([wanted for wanted in message_ids if wanted in packed]):
        held.append((message_id, packed[message_id], octets))
        octets_held += len(octets)
        if octets_held > JUDGED_OCTETS:
            yield held
            held, octets_held = [], 0
    if held:
        yield held


def _message_judge(key: TextKey) -> Judge:
    needle, with_header = fold(key.text), key.field is TextField.TEXT

    def matches(packed: bytes, octets: bytes) -> bool:
        index = parts.unpack(packed)
        return needle in folded_body(octets, index) or (
            with_header and needle in folded_header(octets, index)
        )

    return lambda rows: {row[0] for row in rows if matches(row[1], row[2])}


def _message_rater(key: TextKey) -> Judge:
    rate = message_score(key)
    return lambda rows: {row[0] for row in rows if rate(row[2], parts.unpack(row[1]))}
