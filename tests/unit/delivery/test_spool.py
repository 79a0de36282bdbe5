"""The spool: memory, then a private file; nothing left behind, also by those that were killed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from pathlib import Path

import pytest

from mailkeep.delivery.prepare import mapped
from mailkeep.delivery.spool import HEADROOM, Room, Spool, spool_directory, sweep
from mailkeep.errors import SpoolUnavailable
from mailkeep.model.message import SpooledContent


def size_of(content: bytes | SpooledContent) -> int:
    """Octets in the file that the content lies in."""
    assert isinstance(content, SpooledContent)
    return Path(content.path).stat().st_size - HEADROOM


def names_in(directory: Path) -> list[str]:
    """What lies there."""
    return [file.name for file in directory.iterdir()]


def is_private(path: str) -> bool:
    """Nobody else can read the file or list its directory."""
    file = Path(path)
    return stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def octets_in(path: str) -> bytes:
    """The file's, behind the room for a head."""
    return Path(path).read_bytes()[HEADROOM:]


async def test_a_small_message_stays_in_memory(tmp_path: Path) -> None:
    async with Spool(tmp_path / "spool") as spool:
        await spool.append(b"one ")
        await spool.append(b"two")
        assert await spool.content() == b"one two"
        assert spool.size == 7
    assert not (tmp_path / "spool").exists()


async def test_an_empty_one_is_empty(tmp_path: Path) -> None:
    async with Spool(tmp_path) as spool:
        assert await spool.content() == b""


@pytest.mark.parametrize("piece", [1, 1000, 300_000, 3_000_000])
async def test_a_large_message_lies_in_a_private_file(tmp_path: Path, piece: int) -> None:
    octets = os.urandom(2_000_000) if piece > 1 else os.urandom(3000)
    memory = 1_000_000 if piece > 1 else 1000
    async with Spool(tmp_path / "spool", memory) as spool:
        for at in range(0, len(octets), piece):
            await spool.append(octets[at : at + piece])
        content = await spool.content()
        assert isinstance(content, SpooledContent)
        assert (content.offset, content.size) == (HEADROOM, len(octets))
        assert octets_in(content.path) == octets
        assert is_private(content.path)
        assert len(names_in(tmp_path / "spool")) == 1
    assert not names_in(tmp_path / "spool")


@pytest.mark.parametrize("memory", [1_000_000, 10])
@pytest.mark.parametrize("head", [b"", b"x", b"a longer head than what it replaces", b"h" * HEADROOM])
async def test_a_head_takes_the_place_of_the_first_octets(tmp_path: Path, memory: int, head: bytes) -> None:
    async with Spool(tmp_path, memory) as spool:
        await spool.append(b"header and body")
        assert await spool.beginning(6) == b"header"
        assert await spool.beginning(1000) == b"header and body"
        content = await spool.content(head, replaced=6)
        if isinstance(content, SpooledContent):
            with mapped(content) as octets:
                content = bytes(octets)
        assert content == head + b" and body"


async def test_a_head_past_the_room_for_it_is_never_cut(tmp_path: Path) -> None:
    async with Spool(tmp_path, memory=1) as spool:
        await spool.append(b"header and body")
        with pytest.raises(ValueError, match="room"):
            await spool.content(b"h" * (HEADROOM + 7), replaced=6)


async def test_the_beginning_of_what_lies_in_part_in_the_file(tmp_path: Path) -> None:
    async with Spool(tmp_path, memory=10) as spool:
        await spool.append(b"x" * 300_000)
        await spool.append(b"y" * 10)
        assert await spool.beginning(300_005) == b"x" * 300_000 + b"y" * 5


async def test_at_the_limit_and_one_past_it(tmp_path: Path) -> None:
    async with Spool(tmp_path, memory=10) as spool:
        await spool.append(b"0123456789")
        assert await spool.content() == b"0123456789"
        await spool.append(b"x")
        assert isinstance(await spool.content(), SpooledContent)


async def test_memory_is_bounded_while_octets_arrive(tmp_path: Path) -> None:
    async with Spool(tmp_path, memory=100_000) as spool:
        for _ in range(100):
            await spool.append(b"x" * 50_000)
            assert len(spool._waiting) <= 300_000
        assert size_of(await spool.content()) == 5_000_000


async def test_closing_twice_and_before_the_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path, memory=1)
    await spool.append(b"x" * 300_000)
    await spool.close()
    await spool.close()
    assert not names_in(tmp_path)


async def test_a_place_that_cannot_be_written_is_our_fault(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"a file")
    async with Spool(tmp_path / "spool", memory=1) as spool:
        with pytest.raises(SpoolUnavailable):
            await spool.append(b"x" * 300_000)


async def test_cancelling_leaves_no_file(tmp_path: Path) -> None:
    async def fill() -> None:
        async with Spool(tmp_path, memory=1) as spool:
            while True:
                await spool.append(b"x" * 300_000)

    for _ in range(20):
        filling = asyncio.ensure_future(fill())
        await asyncio.sleep(0.002)
        filling.cancel()
        await asyncio.wait({filling})
        async with asyncio.timeout(20):
            while names_in(tmp_path):  # the removing thread outlives its waiter
                await asyncio.sleep(0.005)


async def test_a_sweep_takes_what_nobody_holds(tmp_path: Path) -> None:
    directory = spool_directory(str(tmp_path))
    assert sweep(directory) == 0  # not made yet
    async with Spool(directory, memory=1) as spool:
        await spool.append(b"x" * 300_000)
        left = directory / "message-left-by-a-killed-process"
        left.write_bytes(b"half a mess")
        other = directory / "not-ours"
        other.write_bytes(b"")
        assert sweep(directory) == 1
        assert not left.exists()
        assert other.exists()
        assert size_of(await spool.content()) == 300_000


def test_a_sweep_that_is_in_time_to_take_a_new_file_makes_its_owner_start_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making a file and locking it there is a moment in which it looks left behind."""
    real = fcntl.flock
    swept: list[int] = []

    def sweep_first(descriptor: int, operation: int) -> None:
        if not swept:
            swept.append(1)
            assert sweep(tmp_path) == 1
        real(descriptor, operation)

    async def write() -> None:
        async with Spool(tmp_path, memory=1) as spool:
            await spool.append(b"x" * 300_000)
            assert size_of(await spool.content()) == 300_000

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    asyncio.run(write())
    assert swept


async def test_spools_of_a_full_room_go_to_files(tmp_path: Path) -> None:
    room, octets = Room(800_000), os.urandom(300_000)
    async with Spool(tmp_path, room=room) as first, Spool(tmp_path, room=room) as second:
        for spool in (first, second):
            await spool.append(octets)
        async with Spool(tmp_path, room=room) as third:
            await third.append(octets)
            assert isinstance(content := await third.content(), SpooledContent)
            assert octets_in(content.path) == octets
        await second.append(octets)  # which had been in memory
        assert isinstance(content := await second.content(), SpooledContent)
        assert octets_in(content.path) == octets * 2
        assert await first.content() == octets
        assert room.free == 500_000
    assert room.free == 800_000


async def test_what_is_asked_for_last_is_not_kept_as_well(tmp_path: Path) -> None:
    room = Room()
    async with Spool(tmp_path, room=room) as spool:
        await spool.append(b"head body")
        assert await spool.last_content(b"foot", 4) == b"foot body"
        assert await spool.beginning(9) == b""
