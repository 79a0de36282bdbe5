"""Message content: named by its SHA-256, cut into chunks of 256 KiB, each compressed with zstandard.

Equal content is stored once. Any octet range is read by decompressing just the chunks that it touches.
Every frame carries a checksum; one that does not match raises StoreCorrupt.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import zstandard

from mailkeep.errors import StoreCorrupt
from mailkeep.model.message import PackedBlob, PreparedMessage, SpooledContent
from mailkeep.storage import tables
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.failures import store_failures
from mailkeep.storage.objects.place import Place
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.values import now

CHUNK = 256 * 1024  # octets before compression
LEVEL = 1  # measured on mail of 4 KB: level 3 takes twice the time for 2% less
INLINE_LIMIT = 128 * 1024  # octets that are packed on the event loop: a quarter of a millisecond
TOUCHED_RESOLUTION = 3600 * 1_000_000  # a blob that is used again says so at most once an hour

_local = threading.local()


async def pack_content(message: PreparedMessage) -> PackedBlob:
    """A message's content as it is stored, made now unless that is done. Raises as `pack` does."""
    return message.packed or await pack(message.content)


async def pack(content: bytes | SpooledContent) -> PackedBlob:
    """Digest and compress; large content in a thread. Raises StoreUnavailable if the spool cannot be read."""
    if isinstance(content, bytes):
        if len(content) <= INLINE_LIMIT:
            return _pack((content,))
        return await asyncio.to_thread(pack_octets, content)
    with store_failures():
        return await asyncio.to_thread(_pack_file, content)


def pack_octets(content: bytes) -> PackedBlob:
    """The same for octets in memory, here and now: for a thread."""
    view = memoryview(content)
    return _pack(view[at : at + CHUNK] for at in range(0, len(view), CHUNK))


def _pack_file(content: SpooledContent) -> PackedBlob:
    return _pack(_pieces_of_file(content))


def _pack(pieces: Iterable[bytes | memoryview]) -> PackedBlob:
    digest = hashlib.sha256()
    size = 0
    chunks = []
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        chunks.append(_compressor().compress(piece))
    return PackedBlob(digest.digest(), size, tuple(chunks or [_compressor().compress(b"")]))


def _pieces_of_file(content: SpooledContent) -> Iterator[bytes]:
    with Path(content.path).open("rb") as file:
        file.seek(content.offset)
        left = content.size
        while left:
            piece = file.read(min(CHUNK, left))
            if not piece:
                raise OSError("the spooled content is shorter than it should be")
            left -= len(piece)
            yield piece


def unpack(chunk: bytes) -> bytes:
    """The octets of one stored chunk. Raises StoreCorrupt."""
    try:
        return _decompressor().decompress(chunk, max_output_size=CHUNK)
    except zstandard.ZstdError as error:
        raise StoreCorrupt("Stored content does not match its checksum.") from error


def _compressor() -> zstandard.ZstdCompressor:
    found: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if found is None:
        found = _local.compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor()
    return found


# --- in the tables --------------------------------------------------------------------------------

# A collector removes only what nobody refers to and nobody touched lately, so that it cannot take a blob
# from under a message that is about to be committed. The WHERE keeps a popular blob from being rewritten
# at every use; its row is locked all the same.
_INSERT = BulkInsert(
    tables.blob,
    conflict="(digest) DO UPDATE SET touched = excluded.touched"
    f" WHERE blob.touched < excluded.touched - {TOUCHED_RESOLUTION}",
)
# Chunks that are there are locked too: they may be looked at before their blob's row is.
_INSERT_CHUNKS = BulkInsert(
    tables.blob_chunk, conflict="(digest, number) DO UPDATE SET number = excluded.number WHERE false"
)
_CHUNK = Query("SELECT chunk FROM blob_chunk WHERE digest = :digest AND number = :number")
# In one state: the chunk may be on its way from one to the other.
_CHUNK_OR_OBJECT = Query(
    "SELECT blob_chunk.chunk, blob_object.key, blob_object.ends FROM blob"
    " LEFT JOIN blob_chunk ON blob_chunk.digest = blob.digest AND blob_chunk.number = :number"
    " LEFT JOIN blob_object ON blob_object.digest = blob.digest WHERE blob.digest = :digest"
)


def inserts(blobs: Iterable[PackedBlob]) -> Sequence[tuple[BulkInsert, Sequence[Row]]]:
    """What keeps blobs that may be there already. In the order of their digests, so that nobody deadlocks."""
    unique = {blob.digest: blob for blob in blobs}
    ordered = [unique[digest] for digest in sorted(unique)]
    touched = now()
    firsts = [(blob.digest, blob.size, touched, blob.chunks[0]) for blob in ordered]
    more = [
        (blob.digest, number, chunk)
        for blob in ordered
        for number, chunk in enumerate(blob.chunks[1:], start=1)
    ]
    return ((_INSERT, firsts), (_INSERT_CHUNKS, more))


async def chunk(connection: Connection, digest: bytes, number: int) -> bytes | Place:
    """One stored chunk after the first, or where it lies. Raises StoreCorrupt if it is missing."""
    row = await connection.one(_CHUNK, digest=digest, number=number)
    if row is None:
        row = await connection.one(_CHUNK_OR_OBJECT, digest=digest, number=number)
        if row is None or row[0] is row[1] is None:
            raise StoreCorrupt("A chunk of stored content is missing.")
        if row[0] is None:
            return Place.unpack(digest, row[1], row[2])
    stored: bytes = row[0]
    return stored
