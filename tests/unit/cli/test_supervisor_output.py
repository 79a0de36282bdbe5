"""What hosts write is shown with their name, whole, without secrets, and without waiting for anybody."""

from __future__ import annotations

import asyncio
import io
import threading

from mailkeep_cli.supervisor_output import LINE_LIMIT, QUEUE_LIMIT, LineWriter, relay


async def shown(octets: bytes) -> tuple[list[str], str]:
    """The lines that a user sees of a host's output, and what `relay` answers."""
    stream, out = asyncio.StreamReader(limit=LINE_LIMIT), io.StringIO()
    writer = LineWriter(out)
    stream.feed_data(octets)
    stream.feed_eof()
    last = await relay("imap", stream, writer)
    writer.close()
    return out.getvalue().splitlines(), last


async def test_each_line_carries_the_hosts_name() -> None:
    assert await shown(b"one\r\n\ntwo\nand no line end") == (
        ["imap | one", "imap | two", "imap | and no line end"],
        "and no line end",
    )


async def test_a_host_that_says_nothing_has_no_last_line() -> None:
    assert await shown(b"") == ([], "")


async def test_octets_that_are_no_text_are_shown_as_escapes() -> None:
    assert (await shown(b"\xff\xfe\n"))[0] == ["imap | \\xff\\xfe"]


async def test_what_an_interpreter_writes_by_itself_is_redacted_too() -> None:
    lines, last = await shown(b"ValueError: Authorization: Bearer abcdefghijkl\n")
    assert "abcdefghijkl" not in lines[0] + last


async def test_a_line_beyond_the_limit_is_cut_and_the_next_one_follows() -> None:
    lines, last = await shown(b"x " * LINE_LIMIT + b"\nnext\n")
    assert lines[0].endswith("[cut]")
    assert len(lines[0]) < LINE_LIMIT
    assert last == "next"


def test_a_terminal_that_takes_nothing_stops_nobody() -> None:
    released = threading.Event()

    class Held(io.StringIO):
        def write(self, text: str) -> int:
            released.wait(30)
            return super().write(text)

    out = Held()
    writer = LineWriter(out)
    for number in range(QUEUE_LIMIT + 100):
        writer.write(str(number))
    released.set()
    writer.close()
    assert out.getvalue().startswith("0\n1\n")


def test_a_terminal_that_is_gone_is_no_error() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    writer = LineWriter(Gone())
    writer.write("line")
    writer.close()
