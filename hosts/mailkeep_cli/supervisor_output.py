"""What hosts write, shown with the host's name before each line.

Lines go out through a thread and a bounded queue: a terminal that is held with Ctrl-S must not stop the
supervisor. Hosts redact their own logs; what an interpreter writes by itself passes the same filter here.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from typing import TextIO

from mailkeep.observe.redaction import redact_text

LINE_LIMIT = 64 * 1024  # octets of one line; what is longer is cut
QUEUE_LIMIT = 10_000  # lines waiting for a terminal that does not take them
DRAIN_SECONDS = 2.0


class LineWriter:
    """Writes lines to a stream from a thread of its own; drops what does not fit, and never waits."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._work, name="lines", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line, without its line end."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return  # the reader has stopped; losing its lines is better than stopping for it

    def close(self) -> None:
        """Write what waits, for DRAIN_SECONDS at most."""
        try:
            self._lines.put(None, timeout=DRAIN_SECONDS)
        except queue.Full:
            return
        self._thread.join(DRAIN_SECONDS)

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):
                return  # the terminal is gone; the hosts go on


async def relay(name: str, stream: asyncio.StreamReader, writer: LineWriter) -> str:
    """Show all of a host's output until its end. Returns its last line, which says why a host gave up."""
    last = ""
    while line := await _read_line(stream):
        text = redact_text(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        if text:
            writer.write(f"{name:<4} | {text}")
            last = text
    return last


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as overrun:
        return await stream.read(max(overrun.consumed, 1))
