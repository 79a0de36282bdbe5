"""FETCH, SEARCH, STORE over a whole mailbox: messages per second, and milliseconds for the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.clients.messages import message
from bench.clients.wire import Line, Server, Unexpected, imap_session

FETCHES: tuple[tuple[str, bytes], ...] = (
    ("uid_flags", b"(UID FLAGS)"),
    ("envelope_size_date", b"(ENVELOPE RFC822.SIZE INTERNALDATE)"),
    ("bodystructure", b"(BODYSTRUCTURE)"),
    ("three_headers", b"(BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])"),
)
SEARCHES: tuple[tuple[str, bytes], ...] = (
    ("unseen", b"UNSEEN"),
    ("subject", b'SUBJECT "Benchmark message 77 "'),
    ("text_no_hit", b'TEXT "no such words anywhere"'),
)


async def measure(
    server: Server, *, mailbox: str, messages: int, size: int, rounds: int
) -> dict[str, object]:
    """Fill the mailbox up to `messages`, then run each command `rounds` times; the best counts."""
    line = await imap_session(server)
    held = await _fill(line, mailbox, messages, size)
    result: dict[str, object] = {"what": "fetch", "messages": held, "octets": size}
    for name, items in FETCHES:
        seconds = await _best(line, b"FETCH 1:* " + items, rounds)
        result[f"fetch_{name}_per_second"] = round(held / seconds)
    bodies = min(held, 1000)
    seconds = await _best(line, b"FETCH 1:%d (BODY.PEEK[])" % bodies, rounds)
    result["fetch_bodies_per_second"] = round(bodies / seconds)
    for name, key in SEARCHES:
        result[f"search_{name}_ms"] = round(await _best(line, b"SEARCH " + key, rounds) * 1000, 2)
    for name, items in (("add", b"+FLAGS.SILENT (\\Flagged)"), ("remove", b"-FLAGS.SILENT (\\Flagged)")):
        result[f"store_{name}_ms"] = round(await _best(line, b"STORE 1:* " + items, 1) * 1000, 2)
    await line.close()
    return result


async def _fill(line: Line, mailbox: str, messages: int, size: int) -> int:
    name = b'"%s"' % mailbox.encode()
    line.writer.write(b"c CREATE %s\r\n" % name)
    await line.until(b"c ")
    held = await _select(line, name)
    for number in range(held, messages):
        octets = message(number, size)
        await line.ask(b"a APPEND %s {%d}" % (name, len(octets)), b"+")
        line.writer.write(octets + b"\r\n")
        if not (await line.until(b"a "))[-1].startswith(b"a OK"):
            raise Unexpected("APPEND was refused")
    return await _select(line, name)


async def _select(line: Line, name: bytes) -> int:
    line.writer.write(b"s SELECT %s\r\n" % name)
    answers: Sequence[bytes] = await line.until(b"s ")
    if not answers[-1].startswith(b"s OK"):
        raise Unexpected(f"{answers[-1]!r} to SELECT")
    return next(int(answer.split()[1]) for answer in answers if answer.endswith(b" EXISTS"))


async def _best(line: Line, command: bytes, rounds: int) -> float:
    return min([await _timed(line, command) for _ in range(rounds)])


async def _timed(line: Line, command: bytes) -> float:
    """Seconds from the command to its tagged answer. Reads blocks, so that the client costs little."""
    began = time.perf_counter()
    line.writer.write(b"zqz9 " + command + b"\r\n")
    tail = b""
    while b"\r\nzqz9 OK" not in tail and not tail.startswith(b"zqz9 OK"):
        block = await line.reader.read(1 << 20)
        if not block:
            raise Unexpected("the server closed the connection")
        tail = (tail[-16:] + block) if tail else block
        if b"zqz9 NO" in tail or b"zqz9 BAD" in tail:
            raise Unexpected(f"{command!r} was refused")
    while not tail.endswith(b"\r\n"):
        tail = tail[-16:] + await line.reader.read(1 << 16)
    return time.perf_counter() - began
