"""One folder there, one mailbox here: what is new comes over, flags are merged, deletions are noted.

New messages are delivered with the note of where they came from in one commit, so a sync may be killed at
any moment and goes on where it was. While one batch is being committed, the next is made ready and the one
after it fetched. Flags and the position come last: until a sync came to its end, the next looks at every
flag again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mailkeep.delivery.prepare import prepare_content
from mailkeep.errors import AlreadyExists, MailboxNotFound, StoreUnavailable
from mailkeep.model.address import Address
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.model.uids import UidSet
from mailkeep.model.upstream import FetchedFrom, FetchedMessage, FolderPosition, UpstreamRecord
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store
from mailkeep.storage.snapshot import Snapshot
from mailkeep.upstream.config import AccountConfig
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep.upstream.sync import remote
from mailkeep.upstream.sync.merging import merge
from mailkeep.upstream.sync.remote import RemoteChanges, RemoteEntry, RemoteFolder, RemoteMessage
from mailkeep.upstream.sync.renumbering import renumbered

FETCH_SECONDS = 600.0
LIST_SECONDS = 300.0
BATCHES_UNDER_WAY = 2  # one is made ready while the other is committed and a third is fetched
MADE_AT_ONCE = 10  # messages made ready before others have the loop: a millisecond, and a turn costs a tenth
FLAGS_AT_ONCE = 1000  # UIDs in one STORE

Progress = Callable[[str, int, int], None]
"""(folder, messages fetched, messages to fetch)."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose mail it is, and the names of the folder there and the mailbox here."""

    record: UpstreamRecord
    config: AccountConfig
    address: Address
    account_id: int
    folder: str
    mailbox: str


@dataclass(slots=True)
class FolderResult:
    """What one sync of a folder did."""

    fetched: int = 0
    too_large: int = 0
    flags_here: int = 0
    flags_there: int = 0
    gone: int = 0


class FolderSync:
    """One run over one folder. `tells_vanished` is what `remote.enable` said."""

    def __init__(
        self,
        store: Store,
        connection: ImapConnection,
        place: Place,
        progress: Progress,
        *,
        tells_vanished: bool,
    ) -> None:
        self._store = store
        self._connection = connection
        self._place = place
        self._progress = progress
        self._tells_vanished = tells_vanished
        self._result = FolderResult()

    async def run(self) -> FolderResult:
        """Raises UpstreamError, StoreUnavailable; what was fetched by then is kept."""
        place = self._place
        writes = place.config.flags in {"push", "both"}
        folder = await self._connection.run(
            lambda client: remote.select(
                client, place.folder, writes=writes, tells_vanished=self._tells_vanished
            )
        )
        position = await self._position(folder)
        known = {one.remote_uid: one for one in await self._store.upstreams.fetched(position.id)}
        changes = await self._changes(folder, position)
        mailbox = await self._mailbox()
        gone = await self._gone(folder, known, changes)
        await self._fetch_new(position, [one for one in changes.entries if one.uid not in known])
        agreed = await self._merge_flags(known, changes, {mailbox.id: position.local_modseq})
        await self._delete_here([known[uid] for uid in gone])
        await self._store.upstreams.settle(position.id, agreed, gone, folder.modseq, mailbox.highestmodseq)
        self._result.gone = len(gone)
        return self._result

    # --- positions ---------------------------------------------------------------------------------

    async def _position(self, folder: RemoteFolder) -> FolderPosition:
        upstreams, place = self._store.upstreams, self._place
        position, before = await upstreams.folder(place.record.id, place.folder, folder.uidvalidity)
        if before in {0, folder.uidvalidity}:
            return position
        log.warning("a folder elsewhere was renumbered", account=place.record.name, folder=place.folder)
        identities = await self._connection.run(remote.identities, LIST_SECONDS)
        known = await upstreams.fetched(position.id)
        await upstreams.renumber(
            position.id, folder.uidvalidity, await renumbered(self._store, known, identities)
        )
        return (await upstreams.folder(place.record.id, place.folder, folder.uidvalidity))[0]

    async def _changes(self, folder: RemoteFolder, position: FolderPosition) -> RemoteChanges:
        if not folder.exists:
            return RemoteChanges((), None)
        if position.remote_modseq and folder.modseq:
            if folder.modseq == position.remote_modseq:
                return RemoteChanges((), UidSet.of(()) if folder.tells_vanished else None)
            return await self._connection.run(
                lambda client: remote.changes_since(client, folder, position.remote_modseq), LIST_SECONDS
            )
        entries = await self._connection.run(remote.everything, LIST_SECONDS)
        return RemoteChanges(entries, None)

    async def _gone(
        self, folder: RemoteFolder, known: Mapping[int, FetchedMessage], changes: RemoteChanges
    ) -> Sequence[int]:
        """UIDs that we know and the server has no more."""
        if changes.gone is not None:
            return [uid for uid in known if uid in changes.gone]
        fresh = sum(1 for entry in changes.entries if entry.uid not in known)
        if folder.exists == len(known) + fresh:
            return []
        there = await self._connection.run(remote.uids, LIST_SECONDS) if folder.exists else frozenset()
        return [uid for uid in known if uid not in there]

    async def _mailbox(self) -> Mailbox:
        """The mailbox here; its HIGHESTMODSEQ of now is where the next sync begins to look for changes."""
        mailboxes = self._store.mailboxes
        try:
            return await mailboxes.get(self._place.account_id, self._place.mailbox)
        except MailboxNotFound:
            with suppress(AlreadyExists):  # somebody was faster
                return await mailboxes.create(self._place.account_id, self._place.mailbox)
            return await mailboxes.get(self._place.account_id, self._place.mailbox)

    # --- new messages ------------------------------------------------------------------------------

    async def _fetch_new(self, position: FolderPosition, entries: Sequence[RemoteEntry]) -> None:
        fitting = [entry for entry in entries if entry.size <= remote.MESSAGE_LIMIT]
        self._result.too_large = len(entries) - len(fitting)
        is_first = not position.remote_modseq and len(fitting) > remote.BATCH_MESSAGES
        under_way: deque[asyncio.Task[None]] = deque()
        self._progress(self._place.folder, 0, len(fitting))
        try:
            for batch in remote.batches(fitting):
                messages = await self._fetched(batch)
                while len(under_way) >= BATCHES_UNDER_WAY:
                    await under_way.popleft()
                self._progress(self._place.folder, self._result.fetched, len(fitting))
                before = under_way[-1] if under_way else None
                work = self._deliver(position, messages, before, is_news=not is_first)
                under_way.append(asyncio.create_task(work))
        finally:
            while under_way:
                await under_way.popleft()
        self._progress(self._place.folder, self._result.fetched, len(fitting))

    async def _fetched(self, batch: Sequence[RemoteEntry]) -> list[RemoteMessage]:
        return await self._connection.run(lambda client: remote.messages(client, batch), FETCH_SECONDS)

    async def _deliver(
        self,
        position: FolderPosition,
        messages: Sequence[RemoteMessage],
        before: asyncio.Task[None] | None,
        *,
        is_news: bool,
    ) -> None:
        """In one transaction, in the folder's order; if that fails, one by one, so that a message which the
        database does not take holds up no other."""
        deliveries = []
        for number, one in enumerate(messages, start=1):
            deliveries.append(await self._delivery(position, one, is_news=is_news))
            if number % MADE_AT_ONCE == 0:
                await asyncio.sleep(0)
        if before is not None:
            await before
        try:
            await self._store.committer.deliver_all(deliveries)
        except StoreUnavailable:
            await asyncio.gather(*map(self._store.committer.deliver, deliveries))
        self._result.fetched += len(deliveries)

    async def _delivery(self, position: FolderPosition, message: RemoteMessage, *, is_news: bool) -> Delivery:
        flags = message.entry.flags if self._place.config.flags != "none" else Flags()
        prepared = await prepare_content(message.octets)
        target = DeliveryTarget(self._place.address, self._place.mailbox, flags, is_news=is_news)
        source = FetchedFrom(position.id, message.entry.uid, flags)
        received_at = message.entry.internal_date or datetime.now(UTC)
        return Delivery(prepared, (target,), received_at, fetched=source)

    # --- flags and deletions -----------------------------------------------------------------------

    async def _merge_flags(
        self, known: Mapping[int, FetchedMessage], changes: RemoteChanges, since: Mapping[int, int]
    ) -> Mapping[int, Flags]:
        """Of messages that both sides have; what both have then, where it differs from before. `since`: the
        modseqs up to which mailboxes here were looked at."""
        if self._place.config.flags == "none" or not known:
            return {}
        there = {entry.uid: entry.flags for entry in changes.entries if entry.uid in known}
        here = await self._local_flags(known.values(), since)
        agreed: dict[int, Flags] = {}
        for_here: dict[tuple[int, str, str], list[int]] = defaultdict(list)
        for_there: dict[tuple[str, str], list[int]] = defaultdict(list)
        for uid in sorted(there.keys() | here.keys()):
            one = known[uid]
            merged = merge(
                one.flags, here.get(uid, one.flags), there.get(uid, one.flags), self._place.config.flags
            )
            for sign, names in (("+", merged.here.add), ("-", merged.here.remove)):
                for name in names:
                    for_here[one.mailbox_id, sign, name].append(one.uid)
            for sign, names in (("+", merged.there.add), ("-", merged.there.remove)):
                for name in names:
                    for_there[sign, name].append(uid)
            if merged.base != one.flags:
                agreed[uid] = merged.base
        await self._store_here(for_here)
        await self._store_there(for_there)
        return agreed

    async def _local_flags(
        self, known: Iterable[FetchedMessage], since: Mapping[int, int]
    ) -> dict[int, Flags]:
        """Flags here of messages that changed since the last sync, by remote UID."""
        by_mailbox: dict[int, list[FetchedMessage]] = defaultdict(list)
        for one in known:
            by_mailbox[one.mailbox_id].append(one)
        found: dict[int, Flags] = {}
        for mailbox_id, messages in by_mailbox.items():
            try:
                snapshot = await self._store.messages.snapshot(mailbox_id)
            except MailboxNotFound:
                continue
            found.update(_changed(snapshot, messages, since.get(mailbox_id, 0)))
        return found

    async def _store_here(self, wanted: Mapping[tuple[int, str, str], Sequence[int]]) -> None:
        for (mailbox_id, sign, name), uids in wanted.items():
            action = FlagAction.ADD if sign == "+" else FlagAction.REMOVE
            try:
                await self._store.committer.store_flags(
                    mailbox_id, UidSet.of(uids), action, Flags.parse([name])
                )
            except MailboxNotFound:
                continue
            self._result.flags_here += len(uids)

    async def _store_there(self, wanted: Mapping[tuple[str, str], Sequence[int]]) -> None:
        for (sign, name), uids in wanted.items():
            for start in range(0, len(uids), FLAGS_AT_ONCE):
                some = UidSet.of(uids[start : start + FLAGS_AT_ONCE])
                await self._connection.run(partial(_stored, some, sign, name))
            self._result.flags_there += len(uids)

    async def _delete_here(self, gone: Sequence[FetchedMessage]) -> None:
        if self._place.config.deletions != "mirror":
            return
        by_mailbox: dict[int, list[int]] = defaultdict(list)
        for one in gone:
            by_mailbox[one.mailbox_id].append(one.uid)
        for mailbox_id, uids in by_mailbox.items():
            try:
                await self._store.committer.expunge(mailbox_id, UidSet.of(uids), only_deleted=False)
            except MailboxNotFound:
                continue


def _stored(uids: UidSet, sign: str, name: str, client: Any) -> None:
    remote.store(client, uids, sign, [name])


def _changed(snapshot: Snapshot, messages: Sequence[FetchedMessage], since: int) -> dict[int, Flags]:
    found = {}
    for one in messages:
        at = snapshot.index(one.uid)
        if at is not None and snapshot.modseqs[at] > since:
            found[one.remote_uid] = snapshot.flags_at(at)
    return found
