"""Connections: lines in any pieces, replies of several lines, and servers that stop talking."""

from __future__ import annotations

import pytest
from bench.clients import wire
from bench.clients.wire import Line, Server, Unexpected, reply, spread


def fed(*pieces: bytes) -> Line:
    """A line that has received these pieces and was then closed."""
    line = Line()
    for piece in pieces:
        line.data_received(piece)
    line.connection_lost(None)
    return line


async def test_lines_come_whole_whatever_the_pieces() -> None:
    line = fed(b"* OK rea", b"dy\r", b"\na OK\r\n")
    assert [await line.read(), await line.read()] == [b"* OK ready", b"a OK"]


async def test_a_closed_connection_is_an_error_and_half_a_line_no_line() -> None:
    with pytest.raises(Unexpected, match="closed"):
        await fed(b"* OK rea").read()


async def test_silence_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WAIT_SECONDS", 0.01)
    with pytest.raises(Unexpected, match="nothing came"):
        await Line().read()


async def test_a_reply_of_several_lines_ends_with_its_last() -> None:
    line = fed(b"250-mx.example.test\r\n250-SIZE 1000\r\n250 HELP\r\n354 go on\r\n")
    await reply(line, b"250")
    assert await line.read() == b"354 go on"


async def test_another_code_is_an_error() -> None:
    with pytest.raises(Unexpected, match="452"):
        await reply(fed(b"452 4.3.1 full\r\n"), b"250")


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(Server("127.0.0.1", 143, user="demo@example.test", password="secret"))


def test_spread_of_one() -> None:
    assert spread([0.002]) == {"min_ms": 2, "median_ms": 2, "p95_ms": 2, "max_ms": 2}


def test_spread_of_a_hundred_in_any_order() -> None:
    seconds = [number / 1000 for number in range(100, 0, -1)]
    assert spread(seconds) == {"min_ms": 1, "median_ms": 50.5, "p95_ms": 96, "max_ms": 100}
