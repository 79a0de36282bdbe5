"""The THREAD response (RFC 5256 section 5, `thread-data`), both ways, without recursion.

A thread is written as its chain of only children, then each of several children in parentheses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.names import NameForm
from mailkeep.imap.threads import ThreadEntries

_TOKEN = re.compile(rb"[()]| |[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class ThreadData:
    """RFC 5256 section 4."""

    entries: ThreadEntries = ()

    def encode(self, form: NameForm = NameForm.MODIFIED_UTF7) -> bytes:
        """The line."""
        if not self.entries:
            return b"* THREAD\r\n"
        pieces, opened = [b"* THREAD "], list[bool]()  # for each depth: does a parenthesis wait for its end?
        previous: int | None = None
        for (depth, number), is_only in zip(self.entries, _only_children(self.entries), strict=True):
            pieces.append(b")" * sum(opened[depth:]))
            if depth and len(opened) == depth and previous is not None:
                pieces.append(b" ")
            del opened[depth:]
            opened.append(not is_only)
            pieces.append((b"" if is_only else b"(") + (b"" if number is None else b"%d" % number))
            previous = number
        return b"".join(pieces) + b")" * sum(opened) + b"\r\n"


def _only_children(entries: ThreadEntries) -> list[bool]:
    counts = [0] * len(entries)
    above: list[int] = []  # the places of the ancestors
    parents: list[int | None] = []
    for place, (depth, _) in enumerate(entries):
        del above[depth:]
        parents.append(above[-1] if above else None)
        if above:
            counts[above[-1]] += 1
        above.append(place)
    return [parent is not None and counts[parent] == 1 for parent in parents]


def parse_thread_data(octets: bytes) -> ThreadData:
    """What stands behind `* THREAD`. Raises ImapSyntaxError for what no encoder of RFC 5256's form writes."""
    entries: list[tuple[int, int | None]] = []
    depths: list[int] = []
    depth, at, before = 0, 0, b""
    while at < len(octets):
        found = _TOKEN.match(octets, at)
        token = found[0] if found else b""
        if token == b"(":
            if before == b"(":
                entries.append((depth, None))
                depth += 1
            depths.append(depth)
        elif token == b")" and depths:
            depth = depths.pop()
        elif token.isdigit():
            entries.append((depth, int(token)))
            depth += 1
        elif token != b" ":
            raise ImapSyntaxError("That is no list of threads.")
        at, before = at + len(token), token
    data = ThreadData(tuple(entries))
    if depths or data.encode() != b"* THREAD%b\r\n" % octets:
        raise ImapSyntaxError("That is no list of threads.")
    return data
