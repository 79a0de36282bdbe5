"""COMPRESS=DEFLATE (RFC 4978): one connection's two streams of raw DEFLATE.

What comes in is inflated a bounded piece at a time, when the session has used up the piece before: a few
octets that stand for gigabytes cost the memory of one piece. A connection that compresses holds about 115 KB
more: 32 KiB and 64 KiB of windows and tables of ours and some 10 KB of zlib's own.
"""

from __future__ import annotations

import zlib

from mailkeep.imap.errors import ImapSyntaxError

INFLATED_STEP = 64 * 1024  # octets that one step may bring
LEVEL = 3  # most of the gain at a third of the time of zlib's default
WINDOW_IN = -15  # what clients may use: 32 KiB
WINDOW_OUT = -13  # 8 KiB, of which zlib holds four times as much
MEMORY_LEVEL = 6  # 32 KiB of tables


class Compression:
    """Both directions. Octets wait compressed, and the caller sees to it that not too many do."""

    __slots__ = ("_deflater", "_inflater", "_is_full", "_waiting")

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_OUT, MEMORY_LEVEL)
        self._inflater = zlib.decompressobj(WINDOW_IN)
        self._waiting = b""
        self._is_full = False  # the last step ended at its limit: zlib may hold more

    def deflate(self, octets: bytes) -> bytes:
        """Compressed, and complete: the other side can read all of it at once (RFC 4978 section 4)."""
        return self._deflater.compress(octets) + self._deflater.flush(zlib.Z_SYNC_FLUSH)

    @property
    def waiting(self) -> int:
        """Octets received and not inflated; 1 at least if a step would bring more."""
        return len(self._waiting) or int(self._is_full)

    def feed(self, octets: bytes) -> None:
        """Received from the client."""
        self._waiting += octets

    def inflate(self) -> bytes:
        """The next piece, INFLATED_STEP octets at most; may be empty. Raises ImapSyntaxError, for which the
        connection ends, because nothing behind it can be read."""
        octets, self._waiting = self._waiting, b""
        try:
            piece = self._inflater.decompress(octets, INFLATED_STEP)
        except zlib.error:
            raise ImapSyntaxError("That is not DEFLATE data.", fatal=True) from None
        if self._inflater.eof:
            raise ImapSyntaxError("The compressed stream has ended.", fatal=True)
        self._waiting = self._inflater.unconsumed_tail
        self._is_full = len(piece) == INFLATED_STEP
        return piece
