"""Packing content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mailkeep.errors import StoreCorrupt, StoreUnavailable
from mailkeep.model.message import SpooledContent
from mailkeep.storage.blobs import CHUNK, INLINE_LIMIT, pack, unpack


@pytest.mark.parametrize("size", [0, 1, INLINE_LIMIT, INLINE_LIMIT + 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
async def test_chunks_join_to_the_content_from_memory_and_from_a_file(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "spool").write_bytes(content)
    for source in (content, SpooledContent(str(tmp_path / "spool"), 0, size)):
        packed = await pack(source)
        assert (packed.digest, packed.size) == (hashlib.sha256(content).digest(), size)
        pieces = [unpack(chunk) for chunk in packed.chunks]
        assert b"".join(pieces) == content
        assert all(len(piece) == CHUNK for piece in pieces[:-1])


async def test_text_gets_smaller() -> None:
    packed = await pack(b"All the same words again and again.\r\n" * 1000)
    assert packed.weight < packed.size / 10


async def test_damage_is_noticed() -> None:
    (chunk,) = (await pack(b"content")).chunks
    for place in range(4, len(chunk)):
        damaged = chunk[:place] + bytes([chunk[place] ^ 0xFF]) + chunk[place + 1 :]
        with pytest.raises(StoreCorrupt):
            unpack(damaged)


async def test_a_spool_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await pack(SpooledContent(str(tmp_path / "gone"), 0, 5))
