"""Preparing content: the same result whether it lies in memory or in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.delivery.prepare import INLINE_LIMIT, SMALL, prepare_content
from mailkeep.errors import SpoolUnavailable
from mailkeep.model.message import PreparedMessage, SpooledContent
from mailkeep.storage.blobs import CHUNK, pack, pack_content

HEADER = b"From: a@b.example\r\nSubject: hello\r\n\r\n"


def octets_of(message: PreparedMessage) -> bytes:
    if isinstance(message.content, bytes):
        return message.header + message.content
    file = Path(message.content.path).read_bytes()
    return message.header + file[message.content.offset : message.content.offset + message.content.size]


@pytest.mark.parametrize("size", [0, 100, SMALL, INLINE_LIMIT, INLINE_LIMIT + 1, 500_000])
async def test_every_octet_is_kept(tmp_path: Path, size: int) -> None:
    octets = HEADER + b"x" * size
    file = tmp_path / "spooled"
    file.write_bytes(octets)
    in_memory = await prepare_content(octets)
    spooled = await prepare_content(SpooledContent(str(file), 0, len(octets)))
    for message in (in_memory, spooled):
        assert octets_of(message) == octets
        assert message.size == len(octets)
        assert message.summary.subject == "hello"
    assert isinstance(spooled.content, SpooledContent)  # not read into memory
    assert in_memory.envelope == spooled.envelope
    assert in_memory.body_structure == spooled.body_structure
    assert in_memory.parts == spooled.parts


@pytest.mark.parametrize("size", [INLINE_LIMIT + 1, CHUNK + 1])
async def test_what_went_to_a_thread_comes_back_packed(size: int) -> None:
    message = await prepare_content(HEADER + b"x" * size)
    assert isinstance(message.content, bytes)
    assert message.packed == await pack(message.content)
    assert await pack_content(message) is message.packed


async def test_what_is_made_to_be_slow_goes_to_a_thread() -> None:
    message = await prepare_content(b"To: " + b"a@b.example, " * 1000 + b"\r\n\r\nx")
    assert message.packed == await pack(b"x")


@pytest.mark.parametrize("size", [1, INLINE_LIMIT - len(HEADER)])
async def test_what_stays_on_the_loop_is_packed_by_the_store(size: int) -> None:
    message = await prepare_content(HEADER + b"x" * size)
    assert message.packed is None
    assert await pack_content(message) == await pack(b"x" * size)


async def test_a_file_that_is_gone_is_our_fault(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailable):
        await prepare_content(SpooledContent(str(tmp_path / "gone"), 0, 10))
