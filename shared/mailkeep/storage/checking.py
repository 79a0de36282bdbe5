"""Does a store hold what it says? Every blob against its digest, every UID and reference, every counter.

It reads page by page while the hosts run, changes nothing, and reports each fault in a sentence with the ids
that are needed to look at it. A mailbox and its entries are read in one state. Objects in the object store
are read to their last octet, and compared as what lies in the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from mailkeep.errors import SettingsError, StoreCorrupt
from mailkeep.model.flags import SystemFlag
from mailkeep.storage import blobs
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.objects.bucket import NOT_SET, Bucket, ObjectMissing
from mailkeep.storage.objects.place import Place
from mailkeep.storage.query import Query

PAGE = 500
BLOB_PAGE = 50

_BLOBS = Query(
    "SELECT blob.digest, blob.size, blob.chunk, blob_object.key, blob_object.ends FROM blob"
    " LEFT JOIN blob_object ON blob_object.digest = blob.digest"
    " WHERE blob.digest > :after ORDER BY blob.digest LIMIT :most"
)
_CHUNKS = Query("SELECT number, chunk FROM blob_chunk WHERE digest = :digest ORDER BY number")
_MESSAGES = Query(
    "SELECT message.id, message.size, length(message.header) + blob.size FROM message"
    " LEFT JOIN blob ON blob.digest = message.digest WHERE message.id > :after"
    " ORDER BY message.id LIMIT :most"
)
_MAILBOXES = Query("SELECT id FROM mailbox WHERE id > :after ORDER BY id LIMIT :most")
_MAILBOX = Query(
    "SELECT uidnext, highestmodseq, messages, unseen, deleted, size, account_id FROM mailbox WHERE id = :id"
)
_COUNTED = Query(
    "SELECT count(*), coalesce(sum(size), 0), coalesce(max(uid), 0), coalesce(min(uid), 1),"
    f" coalesce(sum(CASE WHEN flags & {SystemFlag.SEEN:d} = 0 THEN 1 ELSE 0 END), 0),"
    f" coalesce(sum(CASE WHEN flags & {SystemFlag.DELETED:d} <> 0 THEN 1 ELSE 0 END), 0),"
    " coalesce(max(modseq), 0) FROM entry WHERE mailbox_id = :id"
)
_ORPHANS = Query(
    "SELECT entry.uid, message.size, entry.size FROM entry LEFT JOIN message ON message.id = entry.message_id"
    " WHERE entry.mailbox_id = :id AND (message.id IS NULL OR message.size <> entry.size) LIMIT 100"
)
_LATE_CHANGES = Query("SELECT count(*) FROM change WHERE mailbox_id = :id AND modseq > :modseq")
_KEYS = Query("PRAGMA foreign_key_check")
_PAGES = Query("PRAGMA quick_check")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be. `kind` is for programs."""

    kind: str
    sentence: str


@dataclass(slots=True)
class Seen:
    """What was looked at."""

    blobs: int = 0
    objects: int = 0
    octets: int = 0
    messages: int = 0
    mailboxes: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class _Stored:
    """A blob, and where its chunks after the first are: in the database, in an object, or in both."""

    digest: bytes
    size: int
    first: bytes
    more: Sequence[Row]
    place: Place | None


async def check(database: Database, seen: Seen, bucket: Bucket | None = None) -> AsyncIterator[Fault]:
    """Every fault, as it is found. `seen` counts along. Raises StoreUnavailable; SettingsError where content
    lies in an object store and there is no `bucket`."""
    async for fault in _check_file(database, seen):
        yield fault
    async for fault in _check_blobs(database, seen, bucket):
        yield fault
    for part in (_check_messages, _check_mailboxes):
        async for fault in part(database, seen):
            yield fault


async def _check_file(database: Database, _seen: Seen) -> AsyncIterator[Fault]:
    """SQLite's own view of its pages and references; PostgreSQL sees to the latter itself."""
    if database.dialect != "sqlite":
        return
    for row in await database.read(lambda connection: connection.all(_PAGES)):
        if row[0] != "ok":
            yield Fault("file", f"SQLite says of its file: {row[0]}.")
    for row in await database.read(lambda connection: connection.all(_KEYS)):
        yield Fault(
            "reference", f"Row {row[1]} of '{row[0]}' refers to a row of '{row[2]}' that is not there."
        )


async def _check_blobs(database: Database, seen: Seen, bucket: Bucket | None) -> AsyncIterator[Fault]:
    after = b""
    while page := await _blob_page(database, after):
        for blob in page:
            seen.blobs += 1
            seen.octets += blob.size
            if fault := await _fault_of(blob, seen, bucket):
                yield fault
        after = page[-1].digest


async def _blob_page(database: Database, after: bytes) -> list[_Stored]:
    async def work(connection: Connection) -> list[_Stored]:
        return [
            _Stored(
                bytes(digest),
                size,
                chunk,
                await connection.all(_CHUNKS, digest=digest) if size > blobs.CHUNK else (),
                None if key is None else Place.unpack(digest, key, ends),
            )
            for digest, size, chunk, key, ends in await connection.all(_BLOBS, after=after, most=BLOB_PAGE)
        ]

    return await database.read_at_once(work)


async def _fault_of(blob: _Stored, seen: Seen, bucket: Bucket | None) -> Fault | None:
    if blob.place is None:
        return _blob_fault(blob.digest, blob.size, [(0, blob.first), *blob.more])
    if bucket is None:
        raise SettingsError(NOT_SET)
    seen.objects += 1
    name = f"Object '{blob.place.key}' of blob {blob.digest.hex()}"
    try:
        octets = await bucket.whole(blob.place)
    except ObjectMissing:
        return Fault("object", f"{name} is missing.")
    except StoreCorrupt:
        return Fault("object", f"{name} is shorter than what was put there.")
    there = dict(enumerate(blob.place.cut(octets, 1, blob.place.last), start=1))
    if _blob_fault(blob.digest, blob.size, [(0, blob.first), *there.items()]):
        return Fault("object", f"{name} holds other octets than were put there.")
    here = {number: chunk for number, chunk in blob.more}  # noqa: C416  of rows
    return _blob_fault(blob.digest, blob.size, [(0, blob.first), *sorted((there | here).items())])


def _blob_fault(digest: bytes, size: int, chunks: Sequence[Row | tuple[int, bytes]]) -> Fault | None:
    name = digest.hex()
    if [number for number, _ in chunks] != list(range(max(1, -(-size // blobs.CHUNK)))):
        return Fault("chunk", f"Blob {name} lacks a chunk.")
    found, octets = hashlib.sha256(), 0
    try:
        for _, chunk in chunks:
            content = blobs.unpack(chunk)
            found.update(content)
            octets += len(content)
    except StoreCorrupt:
        return Fault("chunk", f"A chunk of blob {name} does not match its checksum.")
    if found.digest() != digest or octets != size:
        return Fault("digest", f"Blob {name} holds other octets than its digest names.")
    return None


async def _check_messages(database: Database, seen: Seen) -> AsyncIterator[Fault]:
    after = 0
    while page := await _rows(database, _MESSAGES, after):
        seen.messages += len(page)
        for message_id, size, octets in page:
            if octets is None:
                yield Fault("reference", f"The content of message {message_id} is not there.")
            elif octets != size:
                yield Fault("size", f"Message {message_id} has {octets} octets and says {size}.")
        after = page[-1][0]


async def _check_mailboxes(database: Database, seen: Seen) -> AsyncIterator[Fault]:
    after = 0
    while page := await _rows(database, _MAILBOXES, after):
        for (mailbox_id,) in page:
            for fault in await _mailbox_faults(database, mailbox_id, seen):
                yield fault
        after = page[-1][0]


async def _mailbox_faults(database: Database, mailbox_id: int, seen: Seen) -> list[Fault]:
    async def work(connection: Connection) -> tuple[Row | None, Row | None, Sequence[Row], Row | None]:
        head = await connection.one(_MAILBOX, id=mailbox_id)
        counted = await connection.one(_COUNTED, id=mailbox_id)
        orphans = await connection.all(_ORPHANS, id=mailbox_id)
        late = await connection.one(_LATE_CHANGES, id=mailbox_id, modseq=head[1]) if head else None
        return head, counted, orphans, late

    head, counted, orphans, late = await database.read_at_once(work)
    if head is None or counted is None or late is None:
        return []  # deleted meanwhile
    seen.mailboxes += 1
    seen.entries += counted[0]
    return _compare(mailbox_id, head, counted, orphans, int(late[0]))


def _compare(mailbox_id: int, head: Row, counted: Row, orphans: Sequence[Row], late: int) -> list[Fault]:
    uidnext, highestmodseq, messages, unseen, deleted, size, _ = head
    count, octets, top, bottom, not_seen, marked, modseq = map(int, counted)
    where = f"mailbox {mailbox_id}"
    faults = []
    if top >= uidnext or bottom < 1:
        faults.append(Fault("uid", f"UID {top} of {where} is not below its UIDNEXT {uidnext}."))
    if modseq > highestmodseq or late:
        faults.append(Fault("modseq", f"A change of {where} lies above its HIGHESTMODSEQ {highestmodseq}."))
    told = {"messages": messages, "octets": size, "unseen": unseen, "deleted": deleted}
    real = {"messages": count, "octets": octets, "unseen": not_seen, "deleted": marked}
    faults += [
        Fault("counter", f"{where.capitalize()} counts {told[name]} {name} and has {real[name]}.")
        for name in told
        if told[name] != real[name]
    ]
    for uid, kept, entered in orphans:
        if kept is None:
            faults.append(Fault("reference", f"The message of UID {uid} in {where} is not there."))
        else:
            faults.append(Fault("size", f"UID {uid} in {where} says {entered} octets, its message {kept}."))
    return faults


async def _rows(database: Database, query: Query, after: int) -> Sequence[Row]:
    return await database.read(lambda connection: connection.all(query, after=after, most=PAGE))
