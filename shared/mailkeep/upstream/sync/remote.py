"""The server's side of a folder, through IMAPClient: everything here runs in the connection's thread.

IMAPClient's own `fetch` takes lists of numbers alone, so ranges and modifiers are sent through the reader
below it. What servers usually answer is read by one expression a message, everything else by IMAPClient's
parser, which takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from mailkeep.errors import InvalidName
from mailkeep.model.flags import NO_FLAGS, Flags
from mailkeep.model.uids import UidSet
from mailkeep.upstream.answers import Row
from mailkeep.upstream.errors import UpstreamCode, UpstreamError

BATCH_MESSAGES = 200
BATCH_OCTETS = 4 * 1024 * 1024
MESSAGE_LIMIT = 64 * 1024 * 1024  # octets; a larger message is passed over, and counted
_LINE = re.compile(
    rb"\d+ \((?:(?:UID (?P<uid>\d{1,10})|RFC822\.SIZE (?P<size>\d{1,18})|FLAGS \((?P<flags>[^()]*)\)"
    rb'|INTERNALDATE "(?P<date>[^"]*)"|MODSEQ \(\d+\))(?: (?!\))|(?=\))))+\)'
)
_BODY = re.compile(rb"\d+ \((?:FLAGS \([^()]*\) )?(?:UID (?P<uid>\d{1,10}) )?BODY\[\] \{\d+\}")
_END = re.compile(rb"(?: UID (?P<uid>\d{1,10}))?(?: FLAGS \([^()]*\))?\)")
_DATE = re.compile(rb"([ \d]?\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_FACTS = "(FLAGS RFC822.SIZE INTERNALDATE)"


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder as SELECT tells it. `modseq` is 0 if the server keeps none."""

    uidvalidity: int
    exists: int
    modseq: int
    tells_vanished: bool


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """A message there. Size and date are not known of one whose flags alone were asked."""

    uid: int
    flags: Flags
    size: int = 0
    internal_date: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """A message with its octets."""

    entry: RemoteEntry
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteChanges:
    """What is new or has other flags; `gone` is None if the server did not say."""

    entries: tuple[RemoteEntry, ...]
    gone: UidSet | None


def folders(client: Any) -> dict[str, tuple[str, frozenset[str]]]:
    """Selectable folders: name -> (name with "/" between its parts, attributes in lower case)."""
    found = {}
    for attributes, delimiter, name in client.list_folders():
        words = frozenset(_text(word).lower() for word in attributes)
        if "\\noselect" in words or "\\nonexistent" in words:
            continue
        separator = _text(delimiter) if delimiter else ""
        found[name] = (name.replace(separator, "/") if separator else name, words)
    return found


def enable(client: Any) -> bool:
    """Before a folder is selected: True if the server will say what vanished (RFC 7162 section 3.2.3). One
    that does not may still tell what changed, if it is asked to (section 3.1)."""
    known = [name for name in ("QRESYNC", "CONDSTORE") if client.has_capability(name)]
    if not known or not client.has_capability("ENABLE"):
        return False
    return b"QRESYNC" in client.enable(known[0])


def select(client: Any, name: str, *, writes: bool, tells_vanished: bool) -> RemoteFolder:
    """Select a folder."""
    answer = client.select_folder(name, readonly=not writes)
    uidvalidity = answer.get(b"UIDVALIDITY", 0)
    if not isinstance(uidvalidity, int) or uidvalidity < 1:
        raise UpstreamError(UpstreamCode.PROTOCOL, f"The folder {name} has no UIDVALIDITY.")
    modseq = answer.get(b"HIGHESTMODSEQ", 0)
    modseq = modseq if isinstance(modseq, int) else 0
    return RemoteFolder(uidvalidity, int(answer.get(b"EXISTS", 0)), modseq, tells_vanished and modseq > 0)


def everything(client: Any) -> tuple[RemoteEntry, ...]:
    """Every message of the selected folder."""
    return _read_entries(_fetched(client, "1:*", _FACTS))


def changes_since(client: Any, folder: RemoteFolder, modseq: int) -> RemoteChanges:
    """What changed after a modseq (RFC 7162 section 3.1.4.1; with VANISHED by section 3.2.6)."""
    vanished = " VANISHED" if folder.tells_vanished else ""
    client._imap.untagged_responses.pop("VANISHED", None)
    found = _read_entries(_fetched(client, "1:*", f"{_FACTS} (CHANGEDSINCE {modseq}{vanished})"))
    gone = None
    if folder.tells_vanished:
        gone = UidSet.of(())
        for line in client._imap.untagged_responses.pop("VANISHED", []):
            gone |= UidSet.parse(_text(line).replace("(EARLIER)", "").strip())
    return RemoteChanges(found, gone)


def uids(client: Any) -> frozenset[int]:
    """All UIDs of the selected folder."""
    return frozenset(client.search("ALL"))


def batches(entries: Sequence[RemoteEntry]) -> Iterator[list[RemoteEntry]]:
    """In order, each of a bounded number and size, or of one message."""
    batch: list[RemoteEntry] = []
    octets = 0
    for entry in entries:
        if batch and (len(batch) >= BATCH_MESSAGES or octets + entry.size > BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(entry)
        octets += entry.size
    if batch:
        yield batch


def messages(client: Any, wanted: Sequence[RemoteEntry]) -> list[RemoteMessage]:
    """Their octets, unread as they were; those that are gone by now are left out."""
    by_uid = {entry.uid: entry for entry in wanted}
    data = _fetched(client, str(UidSet.of(by_uid)), "(BODY.PEEK[])")
    found = _read_bodies(data)
    if found is None:
        found = {uid: row[b"BODY[]"] for uid, row in _parsed(data).items() if row.get(b"BODY[]") is not None}
    return [RemoteMessage(by_uid[uid], octets) for uid, octets in sorted(found.items()) if uid in by_uid]


def identities(client: Any) -> Mapping[int, tuple[str, int]]:
    """UID -> (Message-ID without its brackets, size): by which a renumbered folder is known again."""
    item = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    found = _parsed(_fetched(client, "1:*", f"(RFC822.SIZE {item})"))
    known = {}
    for uid, row in found.items():
        header = next((value for name, value in row.items() if name.startswith(b"BODY[HEADER")), b"")
        _, _, value = (header or b"").partition(b":")
        known[uid] = (" ".join(_text(value).split()).strip("<>"), int(row.get(b"RFC822.SIZE", 0)))
    return known


def store(client: Any, wanted: UidSet, sign: str, names: Sequence[str]) -> None:
    """Set ("+") or clear ("-") flags."""
    typ, data = client._imap.uid("STORE", str(wanted), f"{sign}FLAGS.SILENT", f"({' '.join(names)})")
    if typ != "OK":
        raise UpstreamError(UpstreamCode.REFUSED, f"The IMAP server took no flags: {_text(data[-1] or b'')}.")


def _fetched(client: Any, wanted: str, items: str) -> list[Row]:
    rows: list[Row] = client._imap.file.fetch(client._imap, wanted, items)
    return rows


def _parsed(data: Sequence[Row]) -> dict[int, dict[bytes, Any]]:
    from imapclient.response_parser import parse_fetch_response  # noqa: PLC0415

    found: dict[int, dict[bytes, Any]] = parse_fetch_response(data, normalise_times=False, uid_is_key=True)
    return found


def _read_entries(data: Sequence[Row]) -> tuple[RemoteEntry, ...]:
    found: dict[int, RemoteEntry] = {}
    for row in data:
        read = _LINE.fullmatch(row) if isinstance(row, bytes) else None
        if read is None or read["uid"] is None:
            return tuple(_entries(_parsed(data)))
        flags, date = read["flags"], read["date"]
        found[int(read["uid"])] = RemoteEntry(
            int(read["uid"]),
            _flags_in(flags) if flags else NO_FLAGS,
            int(read["size"] or 0),
            _moment(date) if date else None,
        )
    return tuple(found[uid] for uid in sorted(found))


def _read_bodies(data: Sequence[Row]) -> dict[int, bytes] | None:
    """None if a line is not as usual. Lines without a literal are what the server tells besides."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        row = data[at]
        at += 1
        if isinstance(row, bytes):
            if b"BODY[" in row:
                return None
            continue
        begins, octets = _BODY.fullmatch(row[0]), row[1]
        rest = data[at] if at < len(data) else None
        ends = _END.fullmatch(rest) if isinstance(rest, bytes) else None
        if begins is None or ends is None or (uid := begins["uid"] or ends["uid"]) is None:
            return None
        found[int(uid)] = octets
        at += 1
    return found


@lru_cache(1024)
def _flags_in(words: bytes) -> Flags:
    return _flags(words.split())


def _moment(text: bytes) -> datetime | None:
    """RFC 3501's date-time, as in "17-Jul-1996 02:44:25 -0700"."""
    read = _DATE.fullmatch(text)
    if read is None or (month := _MONTHS.get(read[2].lower())) is None:
        return None
    minutes = int(read[8]) * 60 + int(read[9])
    try:
        zone = timezone(timedelta(minutes=-minutes if read[7] == b"-" else minutes))
        day, year, hour, minute, second = map(int, read.group(1, 3, 4, 5, 6))
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:  # there is no such moment
        return None


def _entries(found: dict[int, dict[bytes, Any]]) -> Iterator[RemoteEntry]:
    for uid, row in sorted(found.items()):
        date = row.get(b"INTERNALDATE")
        aware = date.replace(tzinfo=date.tzinfo or UTC) if isinstance(date, datetime) else None
        yield RemoteEntry(uid, _flags(row.get(b"FLAGS", ())), int(row.get(b"RFC822.SIZE", 0)), aware)


def _flags(words: Sequence[bytes]) -> Flags:
    names = [name for name in map(_text, words) if name.lower() != "\\recent"]
    try:
        return Flags.parse(names)
    except InvalidName:  # a server's own idea of a keyword: those that we can keep
        return _possible(names)


def _possible(names: Sequence[str]) -> Flags:
    kept = NO_FLAGS.names()
    for name in names:
        try:
            Flags.parse([*kept, name])
        except InvalidName:
            continue
        kept = (*kept, name)
    return Flags.parse(kept)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
