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

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord, Domain, DomainPolicy, Recipient, User
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.mailbox import Mailbox, SpecialUse
from mailkeep.model.message import Delivered, Delivery, NewMessage
from mailkeep.model.scope import Scope
from mailkeep.model.uids import UidSet
from mailkeep.storage.snapshot import Snapshot

# --- who owns what --------------------------------------------------------------------------------


class Directory(Protocol):
    """Domains, users, accounts and addresses."""

    async def add_domain(
        self, name: str, policy: DomainPolicy = DomainPolicy.STORE_UNLINKED, catch_all: Address | None = None
    ) -> Domain:
        """Host a domain. Raises AlreadyExists, InvalidName."""

    async def remove_domain(self, name: str) -> None:
        """Stop hosting it. Raises NotFound, and InUse while users have addresses in it."""

    async def domains(self) -> Sequence[Domain]:
        """All hosted domains by name."""

    async def domain(self, name: str) -> Domain | None:
        """One hosted domain by its normal name. Cached in the process; the feed forgets it."""

    async def recipient(self, address: Address) -> Recipient:
        """The recipient policy for one address: exact, then without its +tag, then the domain's policy.

        NOT_LOCAL if the domain is not ours. `postmaster` of a hosted domain is never refused
        (RFC 5321 section 4.5.1). Writes nothing.
        """

    async def add_user(self, address: Address, name: str = "", issuer: str = "", subject: str = "") -> User:
        """Make a user whose primary, verified address this is; all mail that waits for it becomes theirs.

        The cost does not grow with that mail. An empty issuer means LOCAL_ISSUER and the address as
        subject. Raises AlreadyExists if the address or (issuer, subject) belongs to somebody,
        NotFound if the domain is not hosted.
        """

    async def adopt_subject(self, user_id: UUID, issuer: str, subject: str) -> User:
        """Let an issuer know a user by this subject from now on, whom none has known so far (LOCAL_ISSUER).

        Raises AlreadyExists if the subject is another user's, NotFound if the user is no local one any
        more: of several who try at once, one succeeds.
        """

    async def users(self) -> Sequence[User]:
        """All users by primary address."""

    async def user(self, user_id: UUID) -> User | None:
        """One user by id."""

    async def user_by_address(self, address: Address) -> User | None:
        """The user who has claimed the address."""

    async def user_by_subject(self, issuer: str, subject: str) -> User | None:
        """The user whom an issuer knows by this subject."""

    async def set_name(self, user_id: UUID, name: str) -> None:
        """Set what a user is called; the feed names the user. Raises NotFound."""

    async def set_disabled(self, user_id: UUID, disabled: bool) -> None:
        """Disable or enable; the feed names the user. Raises NotFound."""

    async def add_address(self, user_id: UUID, address: Address, verified: bool = True) -> AddressRecord:
        """Give a user a further address. If verified, mail waiting for it moves into their INBOX with new
        UIDs, in one transaction. Raises AlreadyExists, NotFound."""

    async def remove_address(self, address: Address) -> None:
        """Take an address from its user; mail received so far stays. Raises NotFound, InUse if primary."""

    async def addresses(self, user_id: UUID | None = None) -> Sequence[AddressRecord]:
        """Addresses of one user, or all that the store knows, unclaimed ones included."""

    async def owns(self, user_id: UUID, address: Address) -> bool:
        """True if the address, with or without its +tag, is a verified one of the user's."""

    async def touch_logins(self, seen: Sequence[tuple[UUID, datetime]]) -> None:
        """Set last_login_at for many users at once."""


# --- mailboxes ------------------------------------------------------------------------------------


class Mailboxes(Protocol):
    """The tree of mailboxes of one account at a time. Names are Unicode, "/" between the parts."""

    async def list(self, account_id: int) -> Sequence[Mailbox]:
        """All mailboxes of an account with their counters, INBOX first, then by name."""

    async def get(self, account_id: int, name: str) -> Mailbox:
        """One mailbox; INBOX in any case. Raises MailboxNotFound."""

    async def create(self, account_id: int, name: str, special_use: SpecialUse | None = None) -> Mailbox:
        """Create it and the parents that are missing; none of them is subscribed. Raises AlreadyExists,
        InvalidName, and OverQuota past the number of mailboxes that an account may hold."""

    async def delete(self, account_id: int, name: str) -> None:
        """Delete it with its messages. With children it stays as a name that cannot be selected
        (RFC 9051 section 6.3.5). Raises MailboxNotFound, PermissionRefused for INBOX, InUse if it is
        such a name already."""

    async def rename(self, account_id: int, name: str, new_name: str) -> None:
        """Rename it and what lies below. Renaming INBOX moves its messages into a new mailbox and leaves
        INBOX empty (RFC 9051 section 6.3.6). Raises MailboxNotFound, AlreadyExists, InvalidName."""

    async def subscribe(self, account_id: int, name: str) -> None:
        """Remember the name as subscribed; it need not exist (RFC 9051 section 6.3.7)."""

    async def unsubscribe(self, account_id: int, name: str) -> None:
        """Forget a subscription; forgetting what is not there is no error."""

    async def subscriptions(self, account_id: int) -> Sequence[str]:
        """Subscribed names, existing or not, sorted."""


# --- reading messages -----------------------------------------------------------------------------


class Column(StrEnum):
    """What can be read of a message row, with the Python type that a row holds for it."""

    EMAIL_ID = "email_id"  # UUID
    ENVELOPE = "envelope"  # bytes, ready for the wire
    BODY = "body"  # bytes, ready for the wire
    BODY_STRUCTURE = "body_structure"  # bytes, ready for the wire
    PARTS = "parts"  # bytes, see mailkeep.mime.parts
    HEADER = "header"  # bytes: the first HEADER_KEPT octets of the header section at most
    SUMMARY = "summary"  # MessageSummary


class Body(Protocol):
    """The octets of one message, random access. Cheap to make; holds no connection between calls."""

    @property
    def size(self) -> int:
        """RFC822.SIZE."""

    async def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Octets [offset, offset + length), cut at the end. None reads to the end."""

    def chunks(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The same in pieces of at most 256 KiB, for streaming."""


class Messages(Protocol):
    """Reading. Entries come from the snapshot; message rows come by message id."""

    async def snapshot(self, mailbox_id: int) -> Snapshot:
        """The process-wide snapshot of a mailbox, up to date at the time of the call, shared by all who
        ask. It moves forward by the feed while anybody holds it. Raises MailboxNotFound."""

    async def refresh(self, snapshot: Snapshot) -> None:
        """Move a snapshot forward to the database's present state. Raises MailboxNotFound if deleted."""

    def rows(
        self, message_ids: Sequence[int], columns: Sequence[Column]
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        """Rows of (message_id, *columns) in batches, in the order of `message_ids`; ids that are gone are
        left out. No batch holds more than about 1 MiB or 1,000 rows, so the caller's backpressure works."""

    async def save_dates(self, mailbox_id: int, uids: Sequence[int]) -> Mapping[int, int]:
        """When those entries came into this mailbox, in Unix seconds by UID (RFC 8514); UIDs that are not
        there are left out."""

    async def vanished(self, mailbox_id: int, since: int, through: int) -> UidSet | None:
        """UIDs that were removed with modseqs in (since, through] (RFC 7162 section 3.2.6); None if that
        is not known, or is more than is worth reading: then all that is not there counts as removed."""

    async def body(self, message_id: int) -> Body:
        """The octets of one message. Raises NotFound."""

    def bodies(self, message_ids: Sequence[int]) -> AsyncIterator[tuple[int, bytes]]:
        """Whole messages in order, read in batches; at most about 4 MiB, or one message, at a time."""


# --- writing messages -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Appended:
    """Result of append and copy: the APPENDUID / COPYUID facts (RFC 4315). Pairs are in source order."""

    mailbox_id: int
    uidvalidity: int
    uids: tuple[int, ...]
    source_uids: tuple[int, ...] = ()
    highestmodseq: int = 0


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """Result of store_flags: `changed` have `modseq` now; `modified` were left alone because they had
    changed since (RFC 7162 section 3.1.3)."""

    modseq: int
    changed: UidSet
    modified: UidSet


@dataclass(frozen=True, slots=True)
class Expunged:
    """Result of expunge and move."""

    modseq: int
    uids: UidSet


class Committer(Protocol):
    """Every write of mail in this process goes through here, and shares transactions with its neighbours.

    Cancelling the caller does not cancel the write: it is committed or not, and nobody hears.
    """

    async def deliver(self, delivery: Delivery) -> Sequence[Delivered]:
        """Store one message for all targets, with an outbox row for each claimed account. Accounts for
        unclaimed addresses are made within the same transaction. Raises StoreUnavailable."""

    async def append(self, mailbox_id: int, messages: Sequence[NewMessage]) -> Appended:
        """All of them or none, with ascending UIDs. Raises MailboxNotFound."""

    async def store_flags(
        self,
        mailbox_id: int,
        uids: UidSet,
        action: FlagAction,
        flags: Flags,
        unchanged_since: int | None = None,
    ) -> FlagsStored:
        """Change flags. UIDs that are not there are ignored. Messages that have them so already keep
        their modseq. Raises MailboxNotFound, InvalidName past the keyword limit."""

    async def expunge(self, mailbox_id: int, uids: UidSet | None, only_deleted: bool = True) -> Expunged:
        """Remove entries: all of them (None) or those of `uids`; with `only_deleted` just those with
        \\Deleted. Raises MailboxNotFound."""

    async def copy(self, source_id: int, uids: UidSet, target_id: int) -> Appended:
        """Copy entries with flags and internal dates, in UID order. Raises MailboxNotFound."""

    async def move(self, source_id: int, uids: UidSet, target_id: int) -> tuple[Appended, Expunged]:
        """Copy and remove in one transaction (RFC 6851). Raises MailboxNotFound."""


# --- lists for the API ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EmailRow:
    """One message as the API lists it. `mailbox_id` and `uid` name the caller's own entry."""

    email_id: UUID
    message_id: int
    mailbox_id: int
    mailbox: str
    uid: int
    flags: Flags
    received_at: datetime
    size: int
    header_message_id: str
    subject: str
    from_address: str
    from_name: str
    attachment_count: int
    preview: str


@dataclass(frozen=True, slots=True)
class EmailFilter:
    """Which of an account's messages are meant; every condition that is set must hold.

    Without `special_use` those that `Emails.page` lists, else those in the mailbox of that use. Moments are
    inclusive and of `received_at`; `from_addresses` are compared as stored.
    """

    special_use: SpecialUse | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_attachments: bool | None = None
    is_read: bool | None = None
    from_addresses: tuple[str, ...] | None = None


class Emails(Protocol):
    """The account-wide view, newest first, that the API and MCP show."""

    async def page(
        self, account_id: int, offset: int, limit: int, mailbox: str | None = None
    ) -> tuple[Sequence[EmailRow], int, int]:
        """(rows, total, unread in the whole account). Without `mailbox`: all but Sent, Drafts, Junk and
        Trash. Newest `received_at` first, then by id."""

    async def get(self, account_id: int, email_id: UUID) -> EmailRow:
        """One message of the account by its id. Raises NotFound, also for what is another's."""

    async def entries(self, account_id: int, email_ids: Collection[UUID]) -> Sequence[EmailRow]:
        """Every entry that the account has of these messages, in whatever mailbox; what is another's or
        nobody's is left out."""

    async def count(self, account_id: int, which: EmailFilter) -> tuple[int, int]:
        """(entries, octets) that the filter means."""

    async def find(
        self, account_id: int, which: EmailFilter, offset: int, limit: int, after: EmailRow | None = None
    ) -> Sequence[EmailRow]:
        """The same in pages, newest `received_at` first. With `after`, counted from the entry that follows
        that row: pages read so neither repeat nor miss what was there from the first on."""

    async def thread(self, account_id: int, email_id: UUID, limit: int) -> Sequence[EmailRow]:
        """The messages that References join to this one, itself included, oldest first, each once; the
        newest `limit` if there are more. Sent ones belong to it, Drafts, Junk and Trash do not. Empty if
        the account has no such message."""

    async def senders(self, account_id: int, special_use: SpecialUse) -> Sequence[str]:
        """The From addresses in the mailbox of that use, each once, sorted."""

    async def unread(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Unread messages in each user's whole account; unknown users are left out."""


# --- the feed -------------------------------------------------------------------------------------


class TopicKind(StrEnum):
    """What a commit can name. The values travel between processes: never rename."""

    MAILBOX = "m"  # messages or flags of mailbox <id>
    ACCOUNT = "a"  # the list of mailboxes of account <id>
    KEY = "k"  # API key <uuid> was revoked or changed
    USER = "u"  # user <uuid> was disabled, enabled or changed
    DIRECTORY = "d"  # domains or addresses changed; the id is always ""
    OUTBOX = "o"  # notifications wait; the id is always ""


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that can change."""

    kind: TopicKind
    id: str = ""


class Feed(Protocol):
    """Hints that something was committed, by any process on the same store, within milliseconds."""

    def watch(self, topic: Topic, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` on the event loop after each commit that names the topic, and after every gap
        (then nobody knows what was missed). It must return at once. Returns the function that stops it."""


# --- keys, outbox, audit --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key as kept: never the secret. Read by mailkeep.auth alone."""

    id: UUID
    user_id: UUID | None
    name: str
    prefix: str
    hash: bytes = field(repr=False)
    scopes: frozenset[Scope] = frozenset()
    networks: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class Keys(Protocol):
    """The key table. Import rule: mailkeep.auth is its only reader."""

    async def add(self, key: StoredKey) -> None:
        """Keep a new key. Raises AlreadyExists if its prefix is taken."""

    async def by_prefix(self, prefix: str) -> StoredKey | None:
        """The key with this prefix, revoked and expired ones included."""

    async def get(self, key_id: UUID) -> StoredKey | None:
        """One key by id."""

    async def list(self, user_id: UUID | None = None) -> Sequence[StoredKey]:
        """Keys of one user, or all; newest first."""

    async def revoke(self, key_id: UUID, at: datetime) -> None:
        """Mark it revoked; the feed names the key. Raises NotFound."""

    async def touch(self, used: Sequence[tuple[UUID, datetime]]) -> None:
        """Set last_used_at for many keys at once; never moves it back."""


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A notification that the API has not acknowledged. `id` is unique for ever: the receiver drops
    one that it has seen."""

    id: UUID
    user_id: UUID
    email_id: UUID
    created_at: datetime
    from_address: str
    from_name: str
    subject: str
    has_attachments: bool


class Outbox(Protocol):
    """Notifications wait here from their message's commit until the API acknowledges them."""

    async def claim(self, limit: int, lease_seconds: float) -> Sequence[OutboxItem]:
        """Take up to `limit` of the oldest free ones; nobody else gets them until the lease ends."""

    async def finish(self, ids: Sequence[UUID]) -> None:
        """Acknowledged: remove them."""

    async def release(self, ids: Sequence[UUID]) -> None:
        """Not delivered: free them at once."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One authentication attempt."""

    at: datetime
    host: str  # smtp, pop3, imap, api
    mechanism: str
    address: str
    network: str
    outcome: str  # "success" or "failure"
    reason: str = ""
    user_id: UUID | None = None
    key_id: UUID | None = None


class Audit(Protocol):
    """Who authenticated, how, from where, with what outcome."""

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Write many at once."""

    async def list(self, limit: int, user_id: UUID | None = None) -> Sequence[AuditRecord]:
        """The newest `limit`, newest first."""


# --- exclusive locks ------------------------------------------------------------------------------


class Locks(Protocol):
    """Exclusive locks that die with their holder, over all processes on the store."""

    def hold(self, name: str, lost: Callable[[], None] | None = None) -> AbstractAsyncContextManager[None]:
        """Hold the lock while in the context. Raises InUse at once if somebody has it.

        If the connection that holds it breaks, the lock is gone and somebody else may have it: then
        `lost` is called, once, on the event loop, and the holder must stop what the lock protects.
        """


class Store(Protocol):
    """One process's door to the mail store."""

    directory: Directory
    mailboxes: Mailboxes
    messages: Messages
    emails: Emails
    committer: Committer
    feed: Feed
    keys: Keys
    outbox: Outbox
    audit: Audit
    locks: Locks

    async def ping(self) -> None:
        """Raises StoreUnavailable if the database does not answer within its timeout."""

    async def close(self) -> None:
        """Finish what was queued, then let go of everything."""
