"""Following the mail of those who listen: what any host changed becomes events here.

Every change of mail is in the store's change log, whoever made it: IMAP, POP3, a filter, this API. While a
user has a stream, and for some minutes after the last one ended, so that it can resume, the feed says which
of their mailboxes changed and the log says what became of which message. The API's own changes come this
way too, and no other, so that nothing is told twice. New mail itself is told by the host that took it.

Where the log tells of too much, listeners hear `Resync` and read their lists anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from uuid import UUID

from mailkeep.errors import StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import AccountNews, Store, TopicKind
from mailkeep_api.hub import UNHEARD_SECONDS, Hub

LINGER_SECONDS = UNHEARD_SECONDS  # how long a user is followed whom nobody listens for any more
SWEEP_SECONDS = 30.0
READS_AT_ONCE = 8  # of the process: after a gap in the feed everybody's mail is looked at
RETRY_SECONDS = 1.0
GROWTH_SECONDS = 5.0
"""How long new mail's own notification has to bring the count of unread messages. An APPEND has none."""

_log = get_logger("api")


class _Follower:
    """One user whose mail is followed. `heads` are the HIGHESTMODSEQ that were told of."""

    __slots__ = (
        "account_id",
        "busy",
        "growth",
        "heads",
        "lock",
        "stale",
        "unread",
        "user_id",
        "wanted",
    )

    def __init__(self, user_id: UUID, account_id: int, start: AccountNews) -> None:
        self.user_id = user_id
        self.account_id = account_id
        self.heads: Mapping[int, int] = start.heads
        self.unread = start.unread
        self.lock = asyncio.Lock()
        self.stale = self.busy = False
        self.growth: asyncio.TimerHandle | None = None
        self.wanted = time.monotonic()


class Following:
    """One a process. `close` ends it."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._followers: dict[UUID, _Follower] = {}
        self._by_account: dict[int, _Follower] = {}
        self._by_mailbox: dict[int, _Follower] = {}
        self._stops = (
            store.feed.watch_kind(TopicKind.MAILBOX, self._heard_mailbox),
            store.feed.watch_kind(TopicKind.ACCOUNT, self._heard_account),
        )
        self._tasks = TaskRegistry()
        self._places = asyncio.Semaphore(READS_AT_ONCE)
        self._sweeping: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._followers)

    async def follow(self, user_id: UUID, account_id: int) -> bool:
        """Follow a user's mail from now on; True if nobody did until now. Raises StoreUnavailable."""
        known = self._followers.get(user_id)
        if known is not None:
            known.wanted = time.monotonic()
            return False
        start = await self._store.emails.news(account_id)
        if user_id in self._followers:  # another stream of the user was faster
            return False
        follower = self._followers[user_id] = _Follower(user_id, account_id, start)
        self._watch(follower)
        self._changed(follower)  # something may have happened between reading and watching
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._tasks.spawn(self._sweep(), "sweep followers")
        return True

    async def settle(self, user_id: UUID) -> None:
        """Tell at once of what was just committed for a user, if they are followed. Never fails: the change
        is done, and is told of later if it cannot be read now."""
        follower = self._followers.get(user_id)
        if follower is None:
            return
        try:
            await self._catch_up(follower)
        except StoreUnavailable as error:
            _log.warning("a change could not be told of at once", error=str(error))
            self._changed(follower)

    def told_unread(self, user_id: UUID, unread: int) -> None:
        """Listeners have heard this count from elsewhere."""
        follower = self._followers.get(user_id)
        if follower is not None:
            follower.unread = unread

    async def close(self) -> None:
        """Follow nobody any more."""
        for stop in self._stops:
            stop()
        for follower in list(self._followers.values()):
            self._forget(follower)
        await self._tasks.close()

    # --- hearing ----------------------------------------------------------------------------------

    def _heard_mailbox(self, id: str | None) -> None:
        self._heard(self._by_mailbox.get(int(id)) if id else None, gap=id is None)

    def _heard_account(self, id: str | None) -> None:
        self._heard(self._by_account.get(int(id)) if id else None, gap=id is None)

    def _heard(self, follower: _Follower | None, *, gap: bool) -> None:
        for one in tuple(self._followers.values()) if gap else (follower,):
            if one is not None:
                self._changed(one)

    def _watch(self, follower: _Follower, before: Collection[int] = ()) -> None:
        """Hear of the account's list of mailboxes, and of each of them; of those before no more."""
        for id in before:
            self._by_mailbox.pop(id, None)
        self._by_account[follower.account_id] = follower
        self._by_mailbox.update(dict.fromkeys(follower.heads, follower))

    def _changed(self, follower: _Follower) -> None:
        follower.stale = True
        if not follower.busy:
            follower.busy = True
            self._tasks.spawn(self._read(follower), f"follow {follower.user_id}")

    async def _read(self, follower: _Follower) -> None:
        try:
            while follower.stale and self._followers.get(follower.user_id) is follower:
                follower.stale = False
                try:
                    async with self._places:
                        await self._catch_up(follower)
                except StoreUnavailable:
                    follower.stale = True
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            follower.busy = False

    async def _catch_up(self, follower: _Follower) -> None:
        async with follower.lock:
            news = await self._store.emails.news(follower.account_id, follower.heads)
            before, follower.heads = follower.heads, news.heads
            if before.keys() != news.heads.keys() and self._followers.get(follower.user_id) is follower:
                self._watch(follower, before)
            self._publish(follower, news)

    # --- telling ----------------------------------------------------------------------------------

    def _publish(self, follower: _Follower, news: AccountNews) -> None:
        user_id = follower.user_id
        for marked in news.updated:
            self._hub.publish(user_id, "EmailUpdated", {"id": marked.email_id, "isRead": marked.is_read})
        for email_id in news.deleted:
            self._hub.publish(user_id, "EmailDeleted", email_id)
        if not news.complete:
            self._hub.publish(user_id, "Resync", {})
        if news.updated or news.deleted or not news.complete:
            self._tell_unread(follower, news.unread)
        elif news.grown and news.unread != follower.unread and follower.growth is None:
            loop = asyncio.get_running_loop()
            follower.growth = loop.call_later(GROWTH_SECONDS, self._grown, follower)

    def _tell_unread(self, follower: _Follower, unread: int) -> None:
        follower.unread = unread
        self._hub.publish(follower.user_id, "UnreadCountChanged", unread)

    def _grown(self, follower: _Follower) -> None:
        follower.growth = None
        self._tasks.spawn(self._count(follower), f"count for {follower.user_id}")

    async def _count(self, follower: _Follower) -> None:
        """Tell the count if nothing else has told it."""
        try:
            found = await self._store.emails.unread([follower.user_id])
        except StoreUnavailable:
            return  # the next change brings it
        unread = found.get(follower.user_id, follower.unread)
        if unread != follower.unread and self._followers.get(follower.user_id) is follower:
            self._tell_unread(follower, unread)

    # --- ending -----------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while self._followers:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for follower in list(self._followers.values()):
                if self._hub.has_streams(follower.user_id):
                    follower.wanted = now
                elif now - follower.wanted > LINGER_SECONDS:
                    self._forget(follower)

    def _forget(self, follower: _Follower) -> None:
        self._followers.pop(follower.user_id, None)
        self._by_account.pop(follower.account_id, None)
        for id in follower.heads:
            self._by_mailbox.pop(id, None)
        if follower.growth is not None:
            follower.growth.cancel()
