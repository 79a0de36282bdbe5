"""A snapshot as octets: what a saved one is kept as.

Each column is cut into planes, all lowest octets first, then all second ones and so on: numbers that ascend,
or that are small, make planes that compress to almost nothing, and no entry costs a step of Python. One
zstandard frame with a checksum holds all, and says what it is of, so that nothing can be taken for something
else. This neither reads nor writes the database.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import zstandard

from mailkeep.errors import StoreCorrupt
from mailkeep.storage.snapshot import Snapshot

VERSION = f"1 {sys.byteorder}"
"""To be counted up when anything below changes, or what a snapshot holds."""

UNPACKED_LIMIT = 64 * 1024 * 1024
"""Octets: a million entries take 37 MB, and what they have of keywords."""

LEVEL = 1
_KEPT = "IQBIQIq"
"""The columns' types, in the order of COLUMNS."""
_MOST = UNPACKED_LIMIT // sum(array(kind).itemsize for kind in _KEPT)  # entries


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What lies before the planes. `widths` says how many of each column there are: those above are zeros."""

    mailbox_id: int
    uidvalidity: int
    modseq: int
    entries: int
    widths: tuple[int, ...]
    keyword_sets: tuple[tuple[str, ...], ...]


_heads = msgspec.msgpack.Decoder(Head)


@dataclass(frozen=True, slots=True)
class Copied:
    """What a snapshot held when it was copied: it may move on while this is being packed."""

    mailbox_id: int
    uidvalidity: int
    modseq: int
    columns: tuple[array[int], ...]
    keyword_sets: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Copied:
        """As it is now."""
        columns = tuple(column[:] for column in snapshot.columns())
        names = snapshot.mailbox_id, snapshot.uidvalidity, snapshot.highestmodseq
        return cls(*names, columns, tuple(snapshot.keyword_sets))


def pack(copied: Copied) -> bytes | None:
    """The octets; None if they are more than `unpack` takes. For a thread: 100,000 entries take 10 ms."""
    columns, keyword_sets = _in_use(copied.columns, copied.keyword_sets)
    planes = [_planes(column) for column in columns]
    head = Head(
        copied.mailbox_id,
        copied.uidvalidity,
        copied.modseq,
        len(columns[0]),
        tuple(map(len, planes)),
        keyword_sets,
    )
    packed_head = msgspec.msgpack.encode(head)
    pieces = [len(packed_head).to_bytes(4, "big"), packed_head, *(plane for each in planes for plane in each)]
    if sum(map(len, pieces)) > UNPACKED_LIMIT:
        return None
    return zstandard.ZstdCompressor(LEVEL, write_checksum=True).compress(b"".join(pieces))


def unpack(packed: bytes, mailbox_id: int, uidvalidity: int, modseq: int) -> Snapshot:
    """A snapshot with UIDNEXT 0, which is not kept. Raises StoreCorrupt unless all is as it was packed, and
    of this mailbox at this modseq. For a thread: 100,000 entries take 3 ms."""
    try:
        octets = memoryview(_decompressed(packed))
        start = 4 + int.from_bytes(octets[:4], "big")
        head = _heads.decode(octets[4:start])
        if (head.mailbox_id, head.uidvalidity, head.modseq) != (mailbox_id, uidvalidity, modseq):
            raise StoreCorrupt("A saved snapshot is of something else.")
        columns = list(_columns(octets[start:], head))
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError) as error:
        raise StoreCorrupt("A saved snapshot does not match its checksum.") from error
    snapshot = Snapshot(mailbox_id, uidvalidity, 0, modseq)
    snapshot.take_over(columns, head.keyword_sets)
    return snapshot


def _decompressed(packed: bytes) -> bytes:
    size = zstandard.get_frame_parameters(packed).content_size
    if size > UNPACKED_LIMIT:  # the library would believe it
        raise ValueError("too large")
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=UNPACKED_LIMIT)


def _in_use(
    columns: Sequence[array[int]], keyword_sets: Sequence[tuple[str, ...]]
) -> tuple[Sequence[array[int]], tuple[tuple[str, ...], ...]]:
    """Without sets of keywords that no entry has any more: a snapshot keeps them as long as it lives."""
    uids, message_ids, flags, keyword_ids, *others = columns
    used = sorted({0, *keyword_ids})
    if len(used) < len(keyword_sets):
        places = {former: place for place, former in enumerate(used)}
        keyword_ids = array("I", map(places.__getitem__, keyword_ids))
    kept = tuple(keyword_sets[place] for place in used)
    return (uids, message_ids, flags, keyword_ids, *others), kept


def _planes(column: array[int]) -> list[bytes]:
    octets, width = column.tobytes(), column.itemsize
    # Lowest octets first on either kind of machine, as VERSION tells them apart.
    order = range(width) if sys.byteorder == "little" else range(width - 1, -1, -1)
    planes = [octets[place::width] for place in order]
    while planes and not planes[-1].strip(b"\0"):
        planes.pop()
    return planes


def _columns(octets: memoryview, head: Head) -> Iterator[array[int]]:
    if len(octets) != head.entries * sum(head.widths) or not 0 <= head.entries <= _MOST:
        raise ValueError("of another length")
    at = 0
    for kind, planes in zip(_KEPT, head.widths, strict=True):
        column: array[int] = array(kind)
        width = column.itemsize
        spread = bytearray(head.entries * width)
        for place in range(planes):
            first = place if sys.byteorder == "little" else width - 1 - place
            spread[first::width] = octets[at : at + head.entries]
            at += head.entries
        column.frombytes(spread)
        yield column
