"""An account's mailboxes into files. A Maildir is added to, an mbox file is written whole and then replaced:
either way an export that was broken off is done again by the same command, and nobody sees half a message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import Mailbox
from mailkeep.storage.interface import Store
from mailkeep.storage.snapshot import Snapshot
from mailkeep_api.mbox import Quoter, asctime
from mailkeep_cli.moving import maildir, mbox

AT_ONCE = 500

Entry = TypeVar("Entry", bound=tuple[Any, ...])


@dataclass(slots=True)
class Exported:
    """What was done."""

    mailboxes: int = 0
    written: int = 0
    present: int = 0


class Exporter:
    """Of one account."""

    def __init__(self, store: Store, account_id: int) -> None:
        self._store = store
        self._account_id = account_id
        self.done = Exported()

    async def mailboxes(self, only: str = "") -> list[Mailbox]:
        """Those that are exported: all, or one. Raises MailboxNotFound."""
        if only:
            return [await self._store.mailboxes.get(self._account_id, only)]
        listed = await self._store.mailboxes.list(self._account_id)
        return [mailbox for mailbox in listed if mailbox.selectable]

    async def to_maildir(
        self, mailboxes: list[Mailbox], target: Path, progress: Callable[[float], None]
    ) -> Exported:
        """Into a Maildir with folders. Raises OSError."""
        maildir.MaildirFolder(target)
        for mailbox in mailboxes:
            folder = maildir.MaildirFolder(target / maildir.folder_directory(mailbox.name))
            snapshot = await self._store.messages.snapshot(mailbox.id)
            wanted = []
            for place in range(len(snapshot)):
                entry = snapshot.entry_at(place)
                name = f"{entry.internal_date}.V{snapshot.uidvalidity}U{entry.uid}.mailkeep"
                if folder.holds(name):
                    self.done.present += 1
                    progress(entry.size)
                else:
                    wanted.append((entry.message_id, name, snapshot.flags_at(place), entry.internal_date))
            for start in range(0, len(wanted), AT_ONCE):
                told = _by_message(wanted[start : start + AT_ONCE])
                async for message_id, octets in self._store.messages.bodies(list(told)):
                    for _, name, flags, came in told[message_id]:
                        folder.add(name, octets.replace(b"\r\n", b"\n"), flags, came)
                        self.done.written += 1
                        progress(len(octets))
            self.done.mailboxes += 1
        return self.done

    async def to_mbox(
        self, mailboxes: list[Mailbox], target: Path, progress: Callable[[float], None]
    ) -> Exported:
        """Into a directory with a file for each mailbox. Raises OSError."""
        await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
        for mailbox in mailboxes:
            path = target / mbox.file_name(mailbox.name)
            unfinished = path.with_name(f".{path.name}.unfinished")
            try:
                await self._write_mbox(await self._store.messages.snapshot(mailbox.id), unfinished, progress)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            self.done.mailboxes += 1
        return self.done

    async def _write_mbox(self, snapshot: Snapshot, path: Path, progress: Callable[[float], None]) -> None:
        # Another session's expunge moves the snapshot: what is to be written is settled here.
        entries = [
            (entry.message_id, snapshot.flags_at(place), entry.internal_date)
            for place in range(len(snapshot))
            for entry in (snapshot.entry_at(place),)
        ]
        with path.open("wb") as file:
            for start in range(0, len(entries), AT_ONCE):
                told = _by_message(entries[start : start + AT_ONCE])
                async for message_id, octets in self._store.messages.bodies(list(told)):
                    for _, flags, came in told[message_id]:
                        file.write(_mbox_message(octets, flags, datetime.fromtimestamp(came, UTC)))
                        self.done.written += 1
                        progress(len(octets))


def _by_message(entries: Sequence[Entry]) -> dict[int, list[Entry]]:
    """By their first member: a mailbox may hold the same message twice."""
    found: dict[int, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry[0], []).append(entry)
    return found


def _mbox_message(octets: bytes, flags: Flags, came: datetime) -> bytes:
    quoter = Quoter()
    head = f"From MAILER-DAEMON {asctime(came)}\n".encode("ascii") + mbox.status_fields(flags)
    return head + quoter.feed(octets) + quoter.finish()
