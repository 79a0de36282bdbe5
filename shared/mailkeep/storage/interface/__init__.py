"""The store's contract: what every backend promises, written once, here.

Two backends keep it (SQLite and PostgreSQL) and one suite in tests/storage holds both to it. The store
knows no protocol: it takes prepared messages and gives back rows and bytes. What it promises:

* A write is answered after its commit is durable. A write that raises left nothing behind.
* All of one call is one transaction; the committer may put many calls into one transaction, and one
  that fails does not take its neighbours with it.
* Within a mailbox UIDs and modseqs only grow, in commit order, over all processes.
* Every commit names what it changed on the feed, after it is visible. The feed is a hint and may be
  lost: a reader that sees a gap compares modseqs.
* Anything that the database does wrong surfaces as `StoreUnavailable` (worth repeating) and nothing else.

Times are aware datetimes in UTC. Sizes are octets.
"""

from __future__ import annotations

from typing import Protocol

from mailkeep.storage.interface.aliases import Aliases
from mailkeep.storage.interface.annotations import Annotations
from mailkeep.storage.interface.audit import Audit, AuditRecord
from mailkeep.storage.interface.collecting import Collected, Collector
from mailkeep.storage.interface.committer import Appended, Committer, Expunged, FlagsStored
from mailkeep.storage.interface.directory import Directory
from mailkeep.storage.interface.emails import (
    AccountNews,
    Arrived,
    EmailFilter,
    EmailPage,
    EmailRow,
    Emails,
    Marked,
)
from mailkeep.storage.interface.feed import Feed, Topic, TopicKind
from mailkeep.storage.interface.filters import Filters
from mailkeep.storage.interface.greylist import Greylist
from mailkeep.storage.interface.keys import KeyHash, Keys, StoredKey
from mailkeep.storage.interface.labels import Labels
from mailkeep.storage.interface.locks import Locks
from mailkeep.storage.interface.mailboxes import Mailboxes
from mailkeep.storage.interface.messages import Body, Column, JoinedHeaders, KeptBody, Messages
from mailkeep.storage.interface.objects import Moved, ObjectStorage, ObjectUsage
from mailkeep.storage.interface.outbox import Outbox, OutboxItem, OutboxPage
from mailkeep.storage.interface.preferences import DueDigest, PreferenceStore
from mailkeep.storage.interface.proofs import Proofs
from mailkeep.storage.interface.push import PushSubscription, PushSubscriptions
from mailkeep.storage.interface.queue import Queue, QueueFilter
from mailkeep.storage.interface.quotas import Quotas
from mailkeep.storage.interface.secrets import Secrets
from mailkeep.storage.interface.sharing import Grant, SharedMailbox, Sharing
from mailkeep.storage.interface.texts import Choose, Containing, Field, IndexedText, Texts
from mailkeep.storage.interface.upstream import Upstreams
from mailkeep.storage.interface.url_secrets import UrlSecrets
from mailkeep.storage.interface.usage import StoreUsage

__all__ = [
    "AccountNews",
    "Aliases",
    "Annotations",
    "Appended",
    "Arrived",
    "Audit",
    "AuditRecord",
    "Body",
    "Choose",
    "Collected",
    "Collector",
    "Column",
    "Committer",
    "Containing",
    "Directory",
    "DueDigest",
    "EmailFilter",
    "EmailPage",
    "EmailRow",
    "Emails",
    "Expunged",
    "Feed",
    "Field",
    "Filters",
    "FlagsStored",
    "Grant",
    "Greylist",
    "IndexedText",
    "JoinedHeaders",
    "KeptBody",
    "KeyHash",
    "Keys",
    "Labels",
    "Locks",
    "Mailboxes",
    "Marked",
    "Messages",
    "Moved",
    "ObjectStorage",
    "ObjectUsage",
    "Outbox",
    "OutboxItem",
    "OutboxPage",
    "PreferenceStore",
    "Proofs",
    "PushSubscription",
    "PushSubscriptions",
    "Queue",
    "QueueFilter",
    "Quotas",
    "Secrets",
    "SharedMailbox",
    "Sharing",
    "Store",
    "StoreUsage",
    "StoredKey",
    "Texts",
    "Topic",
    "TopicKind",
    "Upstreams",
    "UrlSecrets",
]


class Store(Protocol):
    """One process's door to the mail store."""

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
    upstreams: Upstreams
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
    secrets: Secrets
    url_secrets: UrlSecrets

    def usage(self) -> StoreUsage:
        """How busy it is."""

    async def ping(self) -> None:
        """Raises StoreUnavailable if the database does not answer within its timeout."""

    async def close(self) -> None:
        """Finish what was queued, then let go of everything."""
