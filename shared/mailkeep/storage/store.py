"""A store put together: its parts over one database, opened and closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mailkeep.model.quota import DefaultLimits
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage.aliases import StoredAliases
from mailkeep.storage.annotations import StoredAnnotations
from mailkeep.storage.audit import StoredAudit
from mailkeep.storage.collecting import StoredCollector
from mailkeep.storage.committer import GroupCommitter
from mailkeep.storage.database import Database
from mailkeep.storage.directory import StoredDirectory
from mailkeep.storage.emails import StoredEmails
from mailkeep.storage.feed import Hub
from mailkeep.storage.filters import StoredFilters
from mailkeep.storage.greylist import StoredGreylist
from mailkeep.storage.interface import (
    Aliases,
    Annotations,
    Audit,
    Collector,
    Committer,
    Directory,
    Emails,
    Feed,
    Filters,
    Greylist,
    Keys,
    Labels,
    Locks,
    Mailboxes,
    Messages,
    ObjectStorage,
    Outbox,
    PreferenceStore,
    Proofs,
    PushSubscriptions,
    Queue,
    Quotas,
    Secrets,
    Sharing,
    StoreUsage,
    Texts,
    Upstreams,
    UrlSecrets,
)
from mailkeep.storage.keys import StoredKeys
from mailkeep.storage.labels import StoredLabels
from mailkeep.storage.locks import FileLocks
from mailkeep.storage.locks_postgres import AdvisoryLocks
from mailkeep.storage.mailboxes import StoredMailboxes
from mailkeep.storage.messages import StoredMessages
from mailkeep.storage.objects.bucket import opened_bucket
from mailkeep.storage.objects.contents import Contents
from mailkeep.storage.objects.storage import StoredObjects
from mailkeep.storage.outbox import StoredOutbox
from mailkeep.storage.outbox_pages import HeldPages
from mailkeep.storage.preferences import StoredPreferences
from mailkeep.storage.proofs import StoredProofs
from mailkeep.storage.push import StoredPushSubscriptions
from mailkeep.storage.query import Query
from mailkeep.storage.queue import StoredQueue
from mailkeep.storage.quotas import StoredQuotas
from mailkeep.storage.recipients import Recipients
from mailkeep.storage.shared_secrets import StoredSecrets
from mailkeep.storage.sharing import StoredSharing
from mailkeep.storage.snapshots import Snapshots
from mailkeep.storage.texts import StoredTexts
from mailkeep.storage.upstream import StoredUpstreams
from mailkeep.storage.url_secrets import StoredUrlSecrets

_PING = Query("SELECT 1")


@dataclass(frozen=True, slots=True)
class Backend:
    """What differs between SQLite and PostgreSQL, and how to end it."""

    database: Database
    hub: Hub
    locks: FileLocks | AdvisoryLocks
    close: Callable[[], Awaitable[None]]
    """Ends the database and its feed, in the order that theirs wants."""


class OpenedStore:
    """See interface.Store."""

    directory: Directory
    mailboxes: Mailboxes
    messages: Messages
    emails: Emails
    committer: Committer
    feed: Feed
    keys: Keys
    proofs: Proofs
    outbox: Outbox
    queue: Queue
    audit: Audit
    locks: Locks
    preferences: PreferenceStore
    quotas: Quotas
    greylist: Greylist
    aliases: Aliases
    labels: Labels
    filters: Filters
    push: PushSubscriptions
    annotations: Annotations
    sharing: Sharing
    collector: Collector
    objects: ObjectStorage
    texts: Texts
    upstreams: Upstreams
    secrets: Secrets
    url_secrets: UrlSecrets

    def __init__(self, backend: Backend, defaults: DefaultLimits, objects: ObjectSettings) -> None:
        database = backend.database
        bucket = opened_bucket(objects)
        contents = Contents(database, bucket)
        self._backend = backend
        self._closing: asyncio.Task[None] | None = None
        self._snapshots = Snapshots(database, backend.hub)
        held = HeldPages()
        self._committer = GroupCommitter(database, defaults, held)
        self.feed = backend.hub
        self.locks = backend.locks
        self.committer = self._committer
        self.directory = StoredDirectory(database, Recipients(database, backend.hub))
        self.mailboxes = StoredMailboxes(database)
        self.messages = StoredMessages(database, self._snapshots, contents)
        self.emails = StoredEmails(database)
        self.keys = StoredKeys(database)
        self.proofs = StoredProofs(database)
        self.outbox = StoredOutbox(database, held)
        self.queue = StoredQueue(database, contents)
        self.audit = StoredAudit(database)
        self.preferences = StoredPreferences(database)
        self.greylist = StoredGreylist(database)
        self.aliases = StoredAliases(database)
        self.quotas = StoredQuotas(database, backend.hub, defaults)
        self.labels = StoredLabels(database)
        self.filters = StoredFilters(database)
        self.push = StoredPushSubscriptions(database)
        self.annotations = StoredAnnotations(database)
        self.sharing = StoredSharing(database)
        self.collector = StoredCollector(database, backend.locks)
        self.objects = StoredObjects(database, backend.locks, bucket, objects)
        self.texts = StoredTexts(database)
        self.upstreams = StoredUpstreams(database)
        self.secrets = StoredSecrets(database)
        self.url_secrets = StoredUrlSecrets(database)

    def usage(self) -> StoreUsage:
        """See interface.Store."""
        snapshots, entries, octets = self._snapshots.usage()
        return StoreUsage(
            *self._backend.database.usage(), *self._committer.waiting(), snapshots, entries, octets
        )

    async def ping(self) -> None:
        """See interface.Store."""
        await self._backend.database.read(lambda connection: connection.one(_PING))

    async def close(self) -> None:
        """See interface.Store. Once is enough, and more does no harm."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="store-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._committer.close()
        await self._snapshots.close()
        await self._backend.locks.close()
        await self._backend.close()
