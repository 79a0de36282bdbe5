"""Reading the further chunks of blobs, wherever they lie: in the database, or as frames of an object.

The database is asked first, since content that came again is there again. From the object store a reader
gets the frame that it needs and, if it goes on, those after it, in one request; a few MiB of them are
remembered, for clients read a large body in pieces that are smaller than a frame.
"""

from __future__ import annotations

from collections import OrderedDict

from mailkeep.errors import StoreCorrupt, StoreUnavailable
from mailkeep.observe import metrics
from mailkeep.observe.logs import get_logger
from mailkeep.storage import blobs
from mailkeep.storage.database import Database
from mailkeep.storage.objects.bucket import Bucket
from mailkeep.storage.objects.place import Place

AHEAD = 8  # frames of one request: 2 MiB of content
REMEMBERED = 16 * 1024 * 1024  # octets of frames, of one process

log = get_logger(__name__)


class Contents:
    """Of one store."""

    __slots__ = ("_bucket", "_database", "_frames", "_held")

    def __init__(self, database: Database, bucket: Bucket | None) -> None:
        self._database = database
        self._bucket = bucket
        self._frames: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._held = 0

    async def chunk(self, digest: bytes, number: int, last: int) -> bytes:
        """The octets of one chunk after the first; `last` is the last one that this reader will ask for.

        Raises StoreCorrupt, StoreUnavailable.
        """
        frame = self._frames.get((digest, number))
        if frame is not None:
            self._frames.move_to_end((digest, number))
            metrics.OBJECT_FRAMES_REMEMBERED.inc()
            return self._unpacked(digest, number, frame)
        found = await self._database.read(lambda connection: blobs.chunk(connection, digest, number))
        if isinstance(found, Place):
            return await self._fetched(found, number, min(last, number + AHEAD - 1, found.last))
        return blobs.unpack(found)

    async def _fetched(self, place: Place, number: int, last: int) -> bytes:
        if self._bucket is None:
            log.error("content lies in an object store, and [objects] is not set here")
            raise StoreUnavailable("The object store that holds this content is not known here.")
        frames = await self._bucket.frames(place, number, max(number, last))
        metrics.OBJECT_FRAMES_READ.inc(len(frames))
        for place_of, frame in enumerate(frames, start=number):
            self._remember((place.digest, place_of), frame)
        return self._unpacked(place.digest, number, frames[0])

    def _unpacked(self, digest: bytes, number: int, frame: bytes) -> bytes:
        try:
            return blobs.unpack(frame)
        except StoreCorrupt:
            self._forget((digest, number))  # it may be mended meanwhile
            raise

    def _remember(self, name: tuple[bytes, int], frame: bytes) -> None:
        self._forget(name)
        self._frames[name] = frame
        self._held += len(frame)
        while self._held > REMEMBERED:
            _, oldest = self._frames.popitem(last=False)
            self._held -= len(oldest)

    def _forget(self, name: tuple[bytes, int]) -> None:
        self._held -= len(self._frames.pop(name, b""))
