"""Mail from another IMAP server, folder by folder, with flags and dates.

What a folder holds is asked first: messages whose size and internal date are in the mailbox already are not
fetched again, so an import that was broken off goes on within minutes. What is fetched is compared octet for
octet all the same. The other server is only read: folders are opened read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mailkeep.errors import InvalidName
from mailkeep.imap.names import decode_modified_utf7
from mailkeep.model.mailbox import INBOX
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep_cli.moving.carried import Carried, flags_of, with_crlf
from mailkeep_cli.moving.importing import Imported, Importer

ROWS_AT_ONCE = 1000
OCTETS_AT_ONCE = 4 * 1024 * 1024
FETCH_SECONDS = 600.0

# Not folders but views of others (RFC 6154), and names that hold no messages (RFC 3501 section 7.2.2).
_VIEWS = frozenset({b"\\flagged", b"\\important", b"\\noselect", b"\\nonexistent"})


@dataclass(frozen=True, slots=True)
class _Row:
    """A message as its server lists it."""

    uid: int
    size: int
    flags: tuple[str, ...]
    received_at: datetime


async def bring(
    connection: ImapConnection,
    importer: Importer,
    leave_out: Sequence[str],
    progress: Callable[[float], None],
) -> Imported:
    """All folders but those that are left out. Raises UpstreamError, OverQuota, StoreUnavailable."""
    try:
        for folder, name in await connection.run(_folders):
            if name not in leave_out:
                await _folder(connection, importer, folder, name, progress)
        return await importer.finish()
    finally:
        await importer.close()


async def _folder(
    connection: ImapConnection, importer: Importer, folder: Any, name: str, progress: Callable[[float], None]
) -> None:
    def listed(client: Any) -> list[_Row]:
        client.select_folder(folder, readonly=True)
        return _rows(client)

    wanted = []
    for row in await connection.run(listed, FETCH_SECONDS):
        if row.size > importer.limit:
            importer.done.too_large.append(f"{name}, UID {row.uid}")
        elif await importer.seems_present(name, row.size, row.received_at):
            importer.done.present += 1
        else:
            wanted.append(row)
    for batch in _batches(wanted):
        bodies = await connection.run(partial(_bodies, batch), FETCH_SECONDS)
        for row in batch:
            octets = bodies.get(row.uid)  # None if it was expunged meanwhile
            if octets:
                flags = flags_of(list(row.flags))
                message = Carried(
                    name, with_crlf(octets), f"{name}, UID {row.uid}", 1, row.received_at, flags
                )
                await importer.take(message)
            progress(1)


def _folders(client: Any) -> list[tuple[Any, str]]:
    """The server's own name of each folder, and ours."""
    client.folder_encode = False  # names go back as they came
    client.normalise_times = False  # aware dates
    found = []
    for flags, delimiter, folder in client.list_folders():
        if _VIEWS.isdisjoint(flag.lower() for flag in flags):
            found.append((folder, _name(folder, delimiter)))
    return found


def _name(folder: Any, delimiter: bytes | None) -> str:
    octets = folder if isinstance(folder, bytes) else str(folder).encode()
    try:
        name = decode_modified_utf7(octets)
    except InvalidName:  # a server that speaks UTF-8 without having been asked
        name = octets.decode("utf-8", "replace")
    if delimiter and delimiter != b"/":
        name = name.replace("/", "_").replace(delimiter.decode(), "/")
    return INBOX if name.upper() == INBOX else name


def _rows(client: Any) -> list[_Row]:
    uids = client.search("ALL")
    rows = []
    for start in range(0, len(uids), ROWS_AT_ONCE):
        told = client.fetch(uids[start : start + ROWS_AT_ONCE], ["FLAGS", "INTERNALDATE", "RFC822.SIZE"])
        rows += [_row(uid, items) for uid, items in sorted(told.items())]
    return rows


def _row(uid: int, items: Any) -> _Row:
    flags = tuple(flag.decode("ascii", "replace") for flag in items[b"FLAGS"])
    return _Row(uid, items[b"RFC822.SIZE"], flags, items[b"INTERNALDATE"].astimezone(UTC))


def _batches(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    batch: list[_Row] = []
    octets = 0
    for row in rows:
        if batch and octets + row.size > OCTETS_AT_ONCE:
            yield batch
            batch, octets = [], 0
        batch.append(row)
        octets += row.size
    if batch:
        yield batch


def _bodies(batch: Sequence[_Row], client: Any) -> dict[int, bytes]:
    told = client.fetch([row.uid for row in batch], ["BODY.PEEK[]"])
    return {uid: items[b"BODY[]"] for uid, items in told.items() if items.get(b"BODY[]")}
