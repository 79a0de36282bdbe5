"""mbox files (RFC 4155), quoted as mboxrd. Flags travel in Status, X-Status and X-Keywords, as mail readers
have it; these fields are taken out again on the way in.

A file is read line by line: memory is needed for one message, however large the file.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from mailkeep.mime.dates import parse as parse_date
from mailkeep.model.flags import Flags
from mailkeep_cli.moving.carried import Carried, TooLarge, flags_of, with_crlf

SUFFIX = ".mbox"
LINE_LIMIT = 1024 * 1024  # a longer line is read in pieces, which are joined again
_SEPARATOR = re.compile(rb"From \S.*\d{1,2}:\d{2}.*\d{4}|From \S+\s*$")
_QUOTED = re.compile(rb">+From ")
_OURS = re.compile(rb"^(status|x-status|x-keywords|x-uid):(.*(?:\n[ \t].*)*)\n", re.IGNORECASE | re.MULTILINE)
_INTERNAL = b"DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"
_STATUS = {"R": "\\Seen", "A": "\\Answered", "F": "\\Flagged", "T": "\\Draft", "D": "\\Deleted"}


class MboxSource:
    """A file, or a directory whose *.mbox files are mailboxes named by `file_name`."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        if path.is_dir():
            found = sorted(path.glob(f"*{SUFFIX}"))
            self._files = [(mailbox_name(one), one) for one in found]
        else:
            self._files = [("", path)]
        self.weight = sum(one.stat().st_size for _, one in self._files)

    def messages(self, limit: int) -> Iterator[Carried | TooLarge]:
        """See Source."""
        for mailbox, path in self._files:
            with path.open("rb") as file:
                _require_mbox(file, path)
                for number, (separator, octets, weight) in enumerate(_split(file, limit), start=1):
                    place = f"{path}, message {number}"
                    if octets is None:
                        yield TooLarge(place, weight)
                    elif _INTERNAL not in octets[:2000]:
                        yield _carried(mailbox, separator, octets, place, weight)


def file_name(mailbox: str) -> str:
    """A mailbox's file: what cannot stand in a file's name is percent-encoded."""
    return quote(mailbox, safe=" +@,=()") + SUFFIX


def mailbox_name(path: Path) -> str:
    """The other way round."""
    return unquote(path.name.removesuffix(SUFFIX))


def status_fields(flags: Flags) -> bytes:
    """What goes before a message's own fields."""
    names = flags.names()
    seen = "RO" if "\\Seen" in names else "O"
    more = "".join(letter for letter, name in _STATUS.items() if letter != "R" and name in names)
    fields = f"Status: {seen}\n" + (f"X-Status: {more}\n" if more else "")
    keywords = " ".join(flags.keywords)
    return (fields + (f"X-Keywords: {keywords}\n" if keywords else "")).encode()


def _require_mbox(file: BinaryIO, path: Path) -> None:
    start = file.readline(LINE_LIMIT)
    if start and not _SEPARATOR.match(start.rstrip(b"\r\n")):
        raise OSError(errno.EINVAL, "not an mbox file: it does not begin with a 'From ' line", str(path))
    file.seek(0)


def _split(file: BinaryIO, limit: int) -> Iterator[tuple[bytes, bytes | None, int]]:
    """Each message: its separator, its octets with LF (None if it is too large), and what it took."""
    separator, lines, size, weight = b"", list[bytes](), 0, 0
    after_empty = True
    while line := file.readline(LINE_LIMIT):
        bare = line.rstrip(b"\r\n")
        if after_empty and _SEPARATOR.match(bare):
            if separator:
                yield separator, _joined(lines, size, limit), weight
            separator, size, weight = bare, 0, 0
            lines.clear()
        elif separator:
            size += len(line)
            if size <= 2 * limit:  # quoting and line ends may take some off
                lines.append(line[1:] if _QUOTED.match(line) else line)
        weight += len(line)
        after_empty = not bare
    if separator:
        yield separator, _joined(lines, size, limit), weight


def _joined(lines: list[bytes], size: int, limit: int) -> bytes | None:
    """Without the empty line that belongs to the format."""
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]
    if size > 2 * limit:
        return None
    octets = b"".join(lines).replace(b"\r\n", b"\n")
    return octets if len(octets) + octets.count(b"\n") <= limit + 1000 else None


def _carried(mailbox: str, separator: bytes, octets: bytes, place: str, weight: int) -> Carried:
    end = octets.find(b"\n\n") + 1 if not octets.startswith(b"\n") else 0
    head = octets[:end] if end else octets if not octets.startswith(b"\n") else b""
    told = {name.lower(): value for name, value in _OURS.findall(head)}
    rest = octets[len(head) :]
    letters = (told.get(b"status", b"") + told.get(b"x-status", b"")).decode("ascii", "replace")
    names = [_STATUS[letter] for letter in letters if letter in _STATUS]
    names += told.get(b"x-keywords", b"").decode("utf-8", "replace").split()
    kept = _OURS.sub(b"", head) + rest
    return Carried(mailbox, with_crlf(kept), place, weight, _date(separator), flags_of(names))


def _date(separator: bytes) -> datetime | None:
    """The separator's own date, which is in UTC unless it says otherwise (RFC 4155)."""
    _, _, rest = separator.removeprefix(b"From ").partition(b" ")
    found = parse_date(rest.strip())
    return found.astimezone(UTC) if found else None
