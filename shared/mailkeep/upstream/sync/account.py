"""All folders of one account elsewhere: one at a time, under a lock, with the outcome noted.

One connection serves the folders one after the other. The lock makes two syncs of one account exclude each
other over all processes: the second says so and does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.observe import tracing
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import ALL_FOLDERS, AccountConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep.upstream.sync import remote
from mailkeep.upstream.sync.folder import FolderResult, FolderSync, Place, Progress

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SyncedFolder:
    """What became of one folder."""

    folder: str
    mailbox: str
    result: FolderResult


async def sync_account(
    store: Store,
    record: UpstreamRecord,
    config: AccountConfig,
    account: UpstreamAccount,
    progress: Progress,
) -> Sequence[SyncedFolder]:
    """Sync every folder. Raises UpstreamError (noted with the account), InUse, StoreUnavailable."""
    async with store.locks.hold(f"upstream:{record.id}"):
        try:
            with tracing.span("upstream sync", tracing.CLIENT) as span:
                async with account.imap() as connection:
                    done = await _sync(store, record, config, connection, progress)
                span.set("mailkeep.messages.fetched", sum(one.result.fetched for one in done))
        except UpstreamError as error:
            await store.upstreams.note(record.id, error.code.value, str(error))
            raise
        await store.upstreams.note(record.id, "", "", datetime.now(UTC))
    log.info(
        "an account elsewhere was synced",
        account=record.name,
        folders=len(done),
        fetched=sum(one.result.fetched for one in done),
    )
    return done


async def _sync(
    store: Store,
    record: UpstreamRecord,
    config: AccountConfig,
    connection: ImapConnection,
    progress: Progress,
) -> Sequence[SyncedFolder]:
    user = await store.directory.user(record.user_id)
    if user is None or user.account_id is None:
        raise NotFound("The user of the account has no mailbox here any more.")
    tells_vanished = await connection.run(remote.enable)
    done = []
    for folder, mailbox in await _chosen(connection, config):
        place = Place(record, config, Address.parse(user.primary_address), user.account_id, folder, mailbox)
        one = FolderSync(store, connection, place, progress, tells_vanished=tells_vanished)
        done.append(SyncedFolder(folder, mailbox, await one.run()))
    return done


async def _chosen(connection: ImapConnection, config: AccountConfig) -> Sequence[tuple[str, str]]:
    """(name there, name here) of each folder to sync. Raises UpstreamError for one that is not there."""
    there = await connection.run(remote.folders)
    wanted = list(there) if ALL_FOLDERS in config.folders else list(config.folders)
    missing = [name for name in wanted if name not in there and name.upper() != "INBOX"]
    if missing:
        raise UpstreamError(UpstreamCode.CONFIG, f"There is no folder {missing[0]} in the account.")
    return [(name, _here(there.get(name, (name, frozenset()))[0], config.into)) for name in wanted]


def _here(name: str, into: str) -> str:
    name = "INBOX" if name.upper() == "INBOX" else name
    return f"{into}/{name}" if into else name
