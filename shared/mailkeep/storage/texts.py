"""The index of what messages say: segments of vocabularies, each of a run of one mailbox's UIDs.

A mailbox's segments follow each other without a gap from UID 1 on. New messages make a new segment; one that
is not much smaller than its neighbour is merged with it, so that a message is merged a few times in its
life and a mailbox has few segments. What is read of them is kept for the process, within a limit: a
segment never changes, it is only replaced.
"""

from __future__ import annotations

import asyncio
import sys
import unicodedata
from array import array
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import zstandard

from mailkeep.errors import StoreCorrupt
from mailkeep.storage import tables
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.interface.texts import Choose, Containing, Field, IndexedText
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.text_compacting import SEGMENT_MESSAGES, SEGMENT_OCTETS, Head, Part, to_rewrite
from mailkeep.storage.values import now
from mailkeep.storage.vocabulary import Builder, Vocabulary, is_one_word, merged, without

VERSION = f"2 {unicodedata.unidata_version} {sys.byteorder}"
"""Segments that were folded in another way, or by another kind of machine, are made anew. To be counted up
when `fold` of model.casemap, by which both hosts compare, or what the index is given, changes."""

CACHE_OCTETS = 64 * 1024 * 1024

_INSERT = BulkInsert(tables.text_segment)
_HEADS = Query(
    "SELECT low_uid, high_uid, made_at FROM text_segment"
    " WHERE mailbox_id = :mailbox_id AND version = :version ORDER BY low_uid"
)
_PARTS = Query(
    "SELECT low_uid, high_uid, made_at, uids, large, length(header) + length(body) FROM text_segment"
    " WHERE mailbox_id = :mailbox_id AND version = :version AND high_uid < :uidnext ORDER BY low_uid"
)
_SEGMENT = Query(
    "SELECT low_uid, high_uid, made_at, uids, large, header, body FROM text_segment"
    " WHERE mailbox_id = :mailbox_id AND low_uid = :low_uid"
)
_LIVING = Query(
    "SELECT id FROM mailbox WHERE id = :id AND selectable FOR KEY SHARE",
    sqlite="SELECT id FROM mailbox WHERE id = :id AND selectable",
)
_REMOVE = Query("DELETE FROM text_segment WHERE mailbox_id = :mailbox_id AND low_uid >= :low_uid")
_REMOVE_RUN = Query(
    "DELETE FROM text_segment WHERE mailbox_id = :mailbox_id AND low_uid BETWEEN :first AND :last"
)
_REMOVE_OTHERS = Query("DELETE FROM text_segment WHERE mailbox_id = :mailbox_id AND version <> :version")
DROP = Query("DELETE FROM text_segment WHERE mailbox_id = :id")


@dataclass(frozen=True, slots=True)
class Segment:
    """`large` are UIDs of messages that are not indexed because they are too large."""

    uids: array[int]  # "I": by ordinal
    large: array[int]
    header: Vocabulary
    body: Vocabulary

    @property
    def weight(self) -> int:
        """Octets in memory."""
        return 4 * len(self.uids) + self.header.weight + self.body.weight

    def containing(self, fields: Collection[Field], needle: str) -> set[int]:
        """UIDs of messages in whose fields the needle is, or may be if it is of several words."""
        return self._uids(fields, lambda vocabulary: vocabulary.texts_with(needle))

    def having(self, fields: Collection[Field], choose: Choose) -> set[int]:
        """UIDs of messages in whose fields one of the chosen words is."""
        return self._uids(fields, lambda vocabulary: vocabulary.texts_at(choose(vocabulary.words_in_order())))

    def _uids(self, fields: Collection[Field], texts: Callable[[Vocabulary], set[int]]) -> set[int]:
        found: set[int] = set()
        for wanted, vocabulary in ((Field.HEADER, self.header), (Field.BODY, self.body)):
            if wanted in fields:
                found |= texts(vocabulary)
        return {self.uids[ordinal] for ordinal in found}


class StoredTexts:
    """See interface.Texts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[tuple[int, Head], Segment] = OrderedDict()
        self._weight = 0

    async def containing(self, mailbox_id: int, fields: Collection[Field], needle: str) -> Containing:
        """See interface.Texts."""
        if not needle.split():
            return Containing()
        through, found, large = await self._look(mailbox_id, lambda part: part.containing(fields, needle))
        if is_one_word(needle):
            return Containing(through, frozenset(found), frozenset(large))
        return Containing(through, frozenset(), frozenset(found | large))

    async def having(self, mailbox_id: int, fields: Collection[Field], choose: Choose) -> Containing:
        """See interface.Texts."""
        through, found, large = await self._look(mailbox_id, lambda part: part.having(fields, choose))
        return Containing(through, frozenset(), frozenset(found | large))

    async def _look(
        self, mailbox_id: int, look: Callable[[Segment], set[int]]
    ) -> tuple[int, set[int], set[int]]:
        """The UID through which the index was looked at, what was found in it, and what is not indexed."""
        found, large = set[int](), set[int]()
        through = 0
        for head in await self._heads(mailbox_id):
            segment = await self._segment(mailbox_id, head)
            if segment is None:
                break  # replaced in this moment: what follows is read instead
            found |= await asyncio.to_thread(look, segment)
            large.update(segment.large)
            through = head[1]
        return through, found, large

    async def through(self, mailbox_id: int) -> int:
        """See interface.Texts."""
        heads = await self._heads(mailbox_id)
        return heads[-1][1] if heads else 0

    async def add(self, mailbox_id: int, after: int, through: int, texts: Sequence[IndexedText]) -> bool:
        """See interface.Texts."""
        heads = await self._heads(mailbox_id)
        made = await asyncio.to_thread(_built, texts)
        low = after + 1
        while heads and heads[-1][1] == low - 1:
            neighbour = await self._segment(mailbox_id, heads[-1])
            if neighbour is None or not _should_merge(neighbour, made):
                break
            made = await asyncio.to_thread(_joined, neighbour, made)
            low = heads.pop()[0]
        row = await asyncio.to_thread(_packed, mailbox_id, (low, through, now()), made)

        async def work(transaction: Transaction) -> bool:
            present = await _read_heads(transaction, mailbox_id)
            ends_at = present[-1][1] if present else 0
            if ends_at != after or await transaction.one(_LIVING, id=mailbox_id) is None:
                return False
            await transaction.run(_REMOVE_OTHERS, mailbox_id=mailbox_id, version=VERSION)
            await transaction.run(_REMOVE, mailbox_id=mailbox_id, low_uid=low)
            await transaction.insert((_INSERT, [row]))
            return True

        return await self._database.write(work)

    async def compact(self, mailbox_id: int, present: Sequence[int], uidnext: int) -> bool:
        """See interface.Texts."""
        rows = await self._database.read(
            lambda connection: connection.all(_PARTS, mailbox_id=mailbox_id, version=VERSION, uidnext=uidnext)
        )
        living = await asyncio.to_thread(frozenset, present)
        run = to_rewrite(await asyncio.to_thread(_parts, rows, living))
        segments = [await self._segment(mailbox_id, head) for head in run]
        found = [segment for segment in segments if segment is not None]
        if not run or len(found) < len(run):
            return False
        made = await asyncio.to_thread(_living, found, living)
        row = await asyncio.to_thread(_packed, mailbox_id, (run[0][0], run[-1][1], now()), made)

        async def work(transaction: Transaction) -> bool:
            heads = await _read_heads(transaction, mailbox_id)
            if not set(run) <= set(heads) or await transaction.one(_LIVING, id=mailbox_id) is None:
                return False
            first, last = run[0][0], run[-1][0]
            await transaction.run(_REMOVE_RUN, mailbox_id=mailbox_id, first=first, last=last)
            await transaction.insert((_INSERT, [row]))
            return True

        return await self._database.write(work)

    # --- reading --------------------------------------------------------------------------------

    async def _heads(self, mailbox_id: int) -> list[Head]:
        return await self._database.read(lambda connection: _read_heads(connection, mailbox_id))

    async def _segment(self, mailbox_id: int, head: Head) -> Segment | None:
        """A segment; None if it is there no more."""
        kept = self._kept.get((mailbox_id, head))
        if kept is not None:
            self._kept.move_to_end((mailbox_id, head))
            return kept
        row = await self._database.read(
            lambda connection: connection.one(_SEGMENT, mailbox_id=mailbox_id, low_uid=head[0])
        )
        if row is None or tuple(row[:3]) != head:
            return None
        segment = await asyncio.to_thread(_unpacked, row)
        self._keep((mailbox_id, head), segment)
        return segment

    def _keep(self, name: tuple[int, Head], segment: Segment) -> None:
        if name not in self._kept:
            self._kept[name] = segment
            self._weight += segment.weight
        while self._weight > CACHE_OCTETS:
            _, forgotten = self._kept.popitem(last=False)
            self._weight -= forgotten.weight


async def _read_heads(connection: Connection, mailbox_id: int) -> list[Head]:
    rows = await connection.all(_HEADS, mailbox_id=mailbox_id, version=VERSION)
    return [(row[0], row[1], row[2]) for row in rows]


# --- making and merging -----------------------------------------------------------------------------


def _built(texts: Sequence[IndexedText]) -> Segment:
    header, body = Builder(), Builder()
    uids, large = array("I"), array("I")
    for message in texts:
        if message.texts is None:
            large.append(message.uid)
        else:
            uids.append(message.uid)
            header.add(message.texts[0])
            body.add(message.texts[1])
    return Segment(uids, large, header.vocabulary(), body.vocabulary())


def _should_merge(before: Segment, after: Segment) -> bool:
    count = len(before.uids) + len(after.uids)
    fits = count <= SEGMENT_MESSAGES and before.weight + after.weight <= SEGMENT_OCTETS
    return fits and len(before.uids) <= 2 * len(after.uids)


def _joined(before: Segment, after: Segment) -> Segment:
    counts = len(before.uids), len(after.uids)
    return Segment(
        before.uids + after.uids,
        before.large + after.large,
        merged([(before.header, counts[0]), (after.header, counts[1])]),
        merged([(before.body, counts[0]), (after.body, counts[1])]),
    )


def _parts(rows: Sequence[Row], living: frozenset[int]) -> list[Part]:
    parts = []
    for low, high, made_at, uids, large, octets in rows:
        held = array("I", uids) + array("I", large)
        parts.append(Part((low, high, made_at), len(held), len(living.intersection(held)), octets))
    return parts


def _living(segments: Sequence[Segment], living: frozenset[int]) -> Segment:
    """One segment of several that follow each other, without the messages that are gone."""
    first, *more = (_without_gone(segment, living) for segment in segments)
    for segment in more:
        first = _joined(first, segment)
    return first


def _without_gone(segment: Segment, living: frozenset[int]) -> Segment:
    gone = {ordinal for ordinal, uid in enumerate(segment.uids) if uid not in living}
    count = len(segment.uids)
    return Segment(
        array("I", [uid for uid in segment.uids if uid in living]),
        array("I", [uid for uid in segment.large if uid in living]),
        without(segment.header, gone, count),
        without(segment.body, gone, count),
    )


# --- in the table -----------------------------------------------------------------------------------


def _packed(mailbox_id: int, head: Head, segment: Segment) -> Row:
    columns = (
        segment.uids.tobytes(),
        segment.large.tobytes(),
        _octets(segment.header),
        _octets(segment.body),
    )
    return (mailbox_id, *head, VERSION, *columns)


def _octets(vocabulary: Vocabulary) -> bytes:
    sizes = array("I", [len(vocabulary.words), len(vocabulary.starts)])
    pieces = (sizes.tobytes(), vocabulary.words, vocabulary.starts.tobytes(), vocabulary.ordinals.tobytes())
    return zstandard.ZstdCompressor(1, write_checksum=True).compress(b"".join(pieces))


def _unpacked(row: Row) -> Segment:
    *_, uids, large, header, body = row
    return Segment(array("I", uids), array("I", large), _vocabulary(header), _vocabulary(body))


def _vocabulary(packed: bytes) -> Vocabulary:
    try:
        octets = zstandard.ZstdDecompressor().decompress(packed, max_output_size=4 * SEGMENT_OCTETS)
    except zstandard.ZstdError as error:
        raise StoreCorrupt("A part of the text index does not match its checksum.") from error
    words, starts = array("I", octets[:8])
    ends = 8 + words, 8 + words + 4 * starts
    return Vocabulary(
        octets[8 : ends[0]], array("I", octets[ends[0] : ends[1]]), array("H", octets[ends[1] :])
    )
