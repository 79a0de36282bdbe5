"""One transaction's worth of operations.

Everything is resolved and locked first, in one order, then inserts of all operations are written
together, then the others run one after another. An operation may be refused only before it has written
anything, so a refusal needs no rollback; any other failure rolls the whole batch back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from mailkeep.errors import MailboxNotFound, Refusal
from mailkeep.model.address import Address
from mailkeep.model.mail_filter import MailFilter
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import PackedBlob
from mailkeep.model.quota import DefaultLimits
from mailkeep.storage import accounts, blobs, filters, locked, outbox_pages, tables
from mailkeep.storage.accounts import Owner
from mailkeep.storage.change_log import ChangeRow, NewEntry
from mailkeep.storage.database import Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.foreseen import Known
from mailkeep.storage.outbox_pages import HeldPages, Notice, Page
from mailkeep.storage.query import BulkInsert, Query

REMEMBERED_ADDRESSES = 20_000
IDS_TAKEN = 256

_ROUNDS = 5  # of looking up who owns an address; each further one means that somebody was faster

INSERT_MESSAGES = BulkInsert(tables.message)
INSERT_SENT_SIZES = BulkInsert(tables.message_sent)
INSERT_ENTRIES = BulkInsert(tables.entry)
INSERT_QUEUE_MESSAGES = BulkInsert(tables.queue_message)
INSERT_QUEUE_RECIPIENTS = BulkInsert(tables.queue_recipient)
INSERT_FETCHED = BulkInsert(tables.upstream_message)
_MESSAGE_IDS = Query(
    "SELECT nextval('message_id_seq') FROM generate_series(1, :count)",
    # AUTOINCREMENT's own counter: ids of messages that are gone do not come back.
    sqlite="WITH RECURSIVE ids(id, number) AS (SELECT coalesce(max(seq), 0) + 1, 1 FROM sqlite_sequence"
    " WHERE name = 'message' UNION ALL SELECT id + 1, number + 1 FROM ids WHERE number < :count)"
    " SELECT id FROM ids",
)


class Operation(Protocol):
    """One caller's write. It may be applied more than once, in different transactions, until one is kept."""

    weight: int
    """Octets that it adds to the transaction."""

    new_messages: int
    """Rows that it adds to the message table."""

    inserts: bool
    """True if it writes through the batch's buffers alone."""

    def addresses(self) -> Sequence[Address]:
        """Addresses whose mailboxes it needs; those without an account get one."""

    def mailbox_ids(self) -> Sequence[int]:
        """Mailboxes that it needs."""

    async def apply(self, batch: Batch) -> Any:
        """Do it; the caller's answer. Raises a Refusal if nothing was written."""


@dataclass(slots=True)
class Memory:
    """What one batch leaves for the next of the same process; wrong or missing, it costs only time."""

    addresses: dict[str, None] = field(default_factory=dict)
    """Addresses that had an account lately: no need to look before locking."""

    message_ids: deque[int] = field(default_factory=deque)
    """Ids that this process took from PostgreSQL's sequence and has not used."""

    defaults: DefaultLimits = field(default_factory=DefaultLimits)
    """What accounts may hold that have no limits of their own."""

    known: Known = field(default_factory=Known)
    """What mailboxes and owners were at the last commits."""

    held: HeldPages = field(default_factory=HeldPages)
    """News that this process tells itself."""

    def learn(self, batch: Batch) -> None:
        """A batch is committed."""
        self.known.learn(batch)
        if batch.pages:
            self.held.add(batch.pages)

    def remember(self, addresses: Iterable[str]) -> None:
        """Add addresses, forgetting the oldest past the limit."""
        self.addresses.update(dict.fromkeys(addresses))
        while len(self.addresses) > REMEMBERED_ADDRESSES:
            del self.addresses[next(iter(self.addresses))]


@dataclass(slots=True)
class Batch:
    """The state that operations of one transaction share."""

    transaction: Transaction
    defaults: DefaultLimits = field(default_factory=DefaultLimits)
    held: HeldPages = field(default_factory=HeldPages)
    elsewhere: dict[int, tuple[int, int]] = field(default_factory=dict)
    """What accounts hold in mailboxes that are not locked here, once somebody had to ask: see quotas.py."""

    owners: dict[str, Owner] = field(default_factory=dict)
    mailboxes: dict[int, LockedMailbox] = field(default_factory=dict)
    by_name: dict[tuple[int, str], LockedMailbox] = field(default_factory=dict)
    message_ids: deque[int] = field(default_factory=deque)
    next_message_id: int | None = None
    """On SQLite, the first id that this batch has not taken."""

    appends: dict[int, ChangeRow] = field(default_factory=dict)
    blobs: list[PackedBlob] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    sent_sizes: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    """Of the outbox, written with this transaction."""

    queue_messages: list[Row] = field(default_factory=list)
    queue_recipients: list[Row] = field(default_factory=list)
    fetched: list[Row] = field(default_factory=list)
    filters: dict[int, list[MailFilter]] = field(default_factory=dict)
    """Of accounts whose filters were asked."""

    applied: Counter[UUID] = field(default_factory=Counter)
    """How often filters acted."""

    def mailbox(self, mailbox_id: int) -> LockedMailbox:
        """A locked mailbox. Raises MailboxNotFound."""
        try:
            return self.mailboxes[mailbox_id]
        except KeyError:
            raise MailboxNotFound("The mailbox does not exist.") from None

    def mailbox_of(self, account_id: int, name: str) -> LockedMailbox:
        """The mailbox of that name, or the account's INBOX: mail is not lost for a folder that is gone."""
        found = self.by_name.get((account_id, name))
        return self.by_name[account_id, INBOX] if found is None else found

    async def lock(self, ids: Collection[int], addresses: Collection[str], names: Collection[str]) -> None:
        """Lock further mailboxes; see locked.lock."""
        more = await locked.lock(self.transaction, ids, addresses, names)
        for mailbox in more.values():
            self.mailboxes[mailbox.id] = mailbox
            self.by_name[mailbox.account_id, mailbox.name] = mailbox

    def append_change(self, mailbox: LockedMailbox) -> ChangeRow:
        """The one change row in which this batch's buffered inserts into a mailbox are written down."""
        change = self.appends.get(mailbox.id)
        if change is None:
            change = self.appends[mailbox.id] = mailbox.new_change()
            change.appended = []
        return change

    def add_entries(self, mailbox: LockedMailbox, rows: Sequence[tuple[Row, NewEntry]]) -> None:
        """Buffer entry rows, with how the change log tells of them."""
        change = self.append_change(mailbox)
        assert isinstance(change.appended, list)
        for row, entry in rows:
            self.entries.append(row)
            change.appended.append(entry)
            mailbox.count(entry[2], entry[4], 1)

    async def apply_inserts(self, operations: Sequence[Operation]) -> list[Any]:
        """Those that write through the buffers, and what they have buffered; None for the others."""
        answers = [await _apply(self, operation) if operation.inserts else None for operation in operations]
        await self.flush(nothing_follows=all(operation.inserts for operation in operations))
        return answers

    async def flush(self, *, nothing_follows: bool = False) -> None:
        """Write the buffered inserts; if no operation reads them, with the end of the transaction."""
        at_end = nothing_follows and not self.applied
        await (self.transaction.at_end if at_end else self.transaction.insert)(
            *blobs.inserts(self.blobs),
            (INSERT_MESSAGES, self.messages),
            (INSERT_SENT_SIZES, self.sent_sizes),
            (INSERT_ENTRIES, self.entries),
            (outbox_pages.INSERT, self._new_pages()),
            (INSERT_QUEUE_MESSAGES, self.queue_messages),
            (INSERT_QUEUE_RECIPIENTS, self.queue_recipients),
            (INSERT_FETCHED, self.fetched),
        )
        for buffer in (self.blobs, self.messages, self.sent_sizes, self.entries, self.notices):
            buffer.clear()
        self.queue_messages.clear()
        self.queue_recipients.clear()
        self.fetched.clear()
        self.appends.clear()
        if self.applied:
            await filters.count(self.transaction, self.applied)
            self.applied.clear()

    def _new_pages(self) -> list[Row]:
        """Of the notices; others are woken for those that nobody here tells."""
        if not self.notices:
            return []
        leased_until = self.held.leased_until()
        if not leased_until:
            changed(self.transaction, TopicKind.OUTBOX)
        new = list(outbox_pages.pages_of(self.notices, leased_until))
        self.pages += new
        return [page.columns() for page in new]


async def run(
    transaction: Transaction, operations: Sequence[Operation], memory: Memory
) -> tuple[list[Any], Batch]:
    """Apply all; their answers in order, a Refusal in place of the answer of one that was refused, and what
    is known when it is committed."""
    batch = Batch(transaction, memory.defaults, memory.held)
    await _prepare(batch, operations, memory)
    answers = await batch.apply_inserts(operations)
    for place, operation in enumerate(operations):
        if not operation.inserts:
            answers[place] = await _apply(batch, operation)
    await locked.store(transaction, batch.mailboxes.values(), transaction.at_end)
    return answers, batch


async def _apply(batch: Batch, operation: Operation) -> Any:
    try:
        return await operation.apply(batch)
    except Refusal as refused:
        return refused


async def _prepare(batch: Batch, operations: Sequence[Operation], memory: Memory) -> None:
    messages = sum(operation.new_messages for operation in operations)
    is_so = memory.known.is_so(batch.transaction.mark)
    if is_so and memory.known.fill(batch, operations):
        await _take_message_ids(batch, messages, memory, memory.known.next_message_id)
        return
    batch.mailboxes.clear()
    batch.by_name.clear()
    addresses = {address.key: address for operation in operations for address in operation.addresses()}
    names = {INBOX, *(name for operation in operations for name in getattr(operation, "mailbox_names", ()))}
    ids = {mailbox_id for operation in operations for mailbox_id in operation.mailbox_ids()}
    if addresses.keys() - memory.addresses.keys():
        await _create_accounts(batch, addresses)
    await batch.lock(ids, addresses, names if addresses else ())
    await _settle_owners(batch, addresses, names)
    memory.remember(addresses)
    await _take_message_ids(batch, messages, memory)


async def _take_message_ids(batch: Batch, count: int, memory: Memory, first: int | None = None) -> None:
    """`first` is the first that is free, if that is known."""
    if batch.transaction.dialect == "postgres":
        # A sequence's numbers are nobody else's even if the transaction fails; SQLite's counter is not so.
        batch.message_ids = memory.message_ids
        if (missing := count - len(batch.message_ids)) > 0:
            await _ask_for_message_ids(batch, max(missing, IDS_TAKEN))
    elif count:
        if first is None:
            await _ask_for_message_ids(batch, count)
        else:
            batch.message_ids.extend(range(first, first + count))
        batch.next_message_id = batch.message_ids[-1] + 1


async def _ask_for_message_ids(batch: Batch, count: int) -> None:
    batch.message_ids.extend(row[0] for row in await batch.transaction.all(_MESSAGE_IDS, count=count))


async def _create_accounts(batch: Batch, addresses: dict[str, Address]) -> None:
    """Make accounts for addresses that have none, in one order; who is slower waits and reads again."""
    for _ in range(_ROUNDS):
        batch.owners = await accounts.resolve(batch.transaction, addresses)
        missing = sorted(addresses.keys() - batch.owners.keys())
        if not missing:
            return
        for key in missing:
            await accounts.create(batch.transaction, addresses[key])
    raise RuntimeError("an address keeps appearing and vanishing")


async def _settle_owners(batch: Batch, addresses: dict[str, Address], names: set[str]) -> None:
    """Look again under the locks: an address may have come to another account while we waited for them."""
    for _ in range(_ROUNDS):
        batch.owners = await accounts.resolve(batch.transaction, addresses)
        moved = [key for key in addresses if not _is_settled(batch, key)]
        if not moved:
            return
        await _create_accounts(batch, addresses)
        await batch.lock((), moved, names)
    raise RuntimeError("an address keeps moving between accounts")


def _is_settled(batch: Batch, key: str) -> bool:
    owner = batch.owners.get(key)
    return owner is not None and (owner.account_id, INBOX) in batch.by_name
