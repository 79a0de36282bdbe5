"""The maildrop: INBOX as it was at login, locked against other POP3 sessions.

Three arrays (16 octets a message) are copied from the shared snapshot, so that message-numbers stay what they
were whatever is delivered or expunged meanwhile (RFC 1939 section 4). DELE only marks here; the one
write is `commit`, in the UPDATE state. Reading mail changes nothing, \\Seen included: IMAP clients of the
same account keep their own view of what is new.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, suppress

from mailkeep.errors import MailboxNotFound, NotFound
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import SentSizes
from mailkeep.model.uids import UidSet
from mailkeep.pop3.uidl import unique_id
from mailkeep.storage.ahead import ahead
from mailkeep.storage.interface import Store
from mailkeep.storage.snapshot import Snapshot

RECENT_MAILDROPS = 256
RECENT_MESSAGES = 250_000
LARGEST_KEPT = 100_000
"""How many maildrops, and messages in all of them, stay in memory after their sessions, and the largest that
may: 34 octets a message."""

ACCOUNTS_KEPT = 10_000
"""Accounts of which it is remembered which mailbox is their INBOX, and which of its messages are sent with
other octets than they are kept with."""


class RecentSnapshots:
    """Keeps the store from forgetting maildrops that are polled again and again: reading one anew costs
    milliseconds for each thousand messages, moving one forward a small query."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Snapshot, int]] = OrderedDict()
        self._messages = 0
        self._sizes: OrderedDict[int, tuple[int, Mapping[int, SentSizes]]] = OrderedDict()
        self._inboxes: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def inbox_of(self, store: Store, account_id: int) -> Snapshot:
        """An account's INBOX as it is now. That is the same mailbox as long as there is the account. Raises
        StoreUnavailable."""
        known = self._inboxes.pop(account_id, None)
        snapshot = None
        if known is not None:
            with suppress(MailboxNotFound):
                snapshot = await store.messages.snapshot(known)
        if snapshot is None:
            mailbox = await store.mailboxes.get(account_id, INBOX)
            snapshot = await store.messages.snapshot(mailbox.id)
        self._inboxes[account_id] = snapshot.mailbox_id
        if len(self._inboxes) > ACCOUNTS_KEPT:
            self._inboxes.popitem(last=False)
        self.keep(snapshot)
        return snapshot

    def keep(self, snapshot: Snapshot) -> None:
        """Keep the latest ones."""
        self._forget(snapshot.mailbox_id)
        if len(snapshot) > LARGEST_KEPT:
            return
        self._kept[snapshot.mailbox_id] = snapshot, len(snapshot)
        self._messages += len(snapshot)
        while len(self._kept) > RECENT_MAILDROPS or self._messages > RECENT_MESSAGES:
            self._forget(next(iter(self._kept)))

    async def sent_sizes(self, store: Store, snapshot: Snapshot) -> Mapping[int, SentSizes]:
        """Those of the snapshot's messages, asked for again only when there are new ones: what a message
        measures never changes. Raises StoreUnavailable."""
        last = snapshot.uids[-1] if len(snapshot) else 0
        known = self._sizes.get(snapshot.mailbox_id)
        if known is None or known[0] < last:
            known = last, await store.messages.sent_sizes(snapshot.mailbox_id)
            self._sizes[snapshot.mailbox_id] = known
        self._sizes.move_to_end(snapshot.mailbox_id)
        if len(self._sizes) > ACCOUNTS_KEPT:
            self._sizes.popitem(last=False)
        return known[1]

    def _forget(self, mailbox_id: int) -> None:
        _, messages = self._kept.pop(mailbox_id, (None, 0))
        self._messages -= messages


class Maildrop:
    """Message-numbers count from 1 and never move. Sizes are octets as they are sent, before byte-stuffing
    (RFC 1939 section 11): with a CRLF after the last line, and without UTF-8 mode with headers in ASCII."""

    __slots__ = (
        "_deleted",
        "_downgraded",
        "_lock",
        "_mailbox_id",
        "_message_ids",
        "_sizes",
        "_store",
        "_uids",
        "_uidvalidity",
    )

    def __init__(
        self,
        store: Store,
        snapshot: Snapshot,
        lock: AbstractAsyncContextManager[None],
        sent: Mapping[int, SentSizes],
        *,
        utf8: bool,
    ) -> None:
        self._store = store
        self._lock: AbstractAsyncContextManager[None] | None = lock
        self._mailbox_id = snapshot.mailbox_id
        self._uidvalidity = snapshot.uidvalidity
        self._uids: array[int] = snapshot.uids[:]
        self._message_ids: array[int] = snapshot.message_ids[:]
        self._sizes: array[int] = snapshot.sizes[:]
        self._deleted: set[int] = set()
        self._downgraded: set[int] = set()
        if sent:
            self._count_as_sent(sent, utf8)

    def _count_as_sent(self, sent: Mapping[int, SentSizes], utf8: bool) -> None:
        for place, message_id in enumerate(self._message_ids):
            sizes = sent.get(message_id)
            if sizes is not None:
                self._sizes[place] = sizes.whole if utf8 else sizes.downgraded
                if not utf8:
                    self._downgraded.add(place + 1)

    @classmethod
    async def open(
        cls,
        store: Store,
        account_id: int,
        recent: RecentSnapshots,
        lost: Callable[[], None],
        *,
        utf8: bool = False,
    ) -> Maildrop:
        """Lock and list. Both are asked together where a server has the lock: what others remove meanwhile is
        as if they did so right after, as IMAP sessions may. `lost` is called if the lock breaks; `utf8` is
        the mode of RFC 6856 section 2.1. Raises InUse while another session has it, StoreUnavailable."""
        lock = store.locks.hold(f"maildrop:{account_id}", lost)
        listing = ahead(recent.inbox_of(store, account_id)) if store.locks.of_a_server else None
        try:
            await lock.__aenter__()
        except BaseException:
            if listing is not None:
                listing.cancel()
            raise
        try:
            snapshot = await (listing or recent.inbox_of(store, account_id))
            return cls(store, snapshot, lock, await recent.sent_sizes(store, snapshot), utf8=utf8)
        except BaseException:
            await lock.__aexit__(None, None, None)
            raise

    async def close(self) -> None:
        """Let go of the lock, and forget what there was; calling it again does nothing.

        A session that is over is garbage that is looked for seldom, and 10,000 messages are 160 KB of it.
        """
        for column in (self._uids, self._message_ids, self._sizes):
            del column[:]
        lock, self._lock = self._lock, None
        if lock is not None:
            await lock.__aexit__(None, None, None)

    async def commit(self) -> None:
        """Remove what is marked, durably, in one transaction. Raises StoreUnavailable: nothing is removed."""
        if self._deleted:
            uids = UidSet.of(self._uids[number - 1] for number in self._deleted)
            await self._store.committer.expunge(self._mailbox_id, uids, only_deleted=False)

    # --- reading --------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many messages there were at login, marked ones included."""
        return len(self._uids)

    def has(self, number: int) -> bool:
        """True for a message that is there and not marked as deleted."""
        return 0 < number <= len(self._uids) and number not in self._deleted

    def check(self, number: int) -> None:
        """Raises NotFound unless `has(number)`."""
        if not self.has(number):
            raise NotFound("No such message.")

    def message_id(self, number: int) -> int:
        """The store's name for the message."""
        return self._message_ids[number - 1]

    def size(self, number: int) -> int:
        """Octets of one message."""
        return self._sizes[number - 1]

    def is_downgraded(self, number: int) -> bool:
        """True if the message may have UTF-8 in header fields, which this client does not take (RFC 6856
        section 5)."""
        return number in self._downgraded

    def unique_id(self, number: int) -> str:
        """See `mailkeep.pop3.uidl`."""
        return unique_id(self._uidvalidity, self._uids[number - 1])

    def numbers(self) -> Iterator[int]:
        """Message-numbers of all that are not marked, ascending."""
        return (number for number in range(1, len(self._uids) + 1) if number not in self._deleted)

    def totals(self) -> tuple[int, int]:
        """(messages, octets) without the marked ones: the drop listing of STAT."""
        octets = sum(self._sizes) - sum(self._sizes[number - 1] for number in self._deleted)
        return len(self._uids) - len(self._deleted), octets

    # --- marking --------------------------------------------------------------------------------

    def mark(self, number: int) -> None:
        """Mark as deleted. Raises NotFound, also if it is marked already."""
        self.check(number)
        self._deleted.add(number)

    def unmark_all(self) -> None:
        """RSET."""
        self._deleted.clear()
