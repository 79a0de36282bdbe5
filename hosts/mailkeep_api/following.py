"""Following the mail of those who listen: what any host changed becomes events here.

Every change of mail is in the store's change log, whoever made it: IMAP, POP3, a filter, this API. While a
user has a stream, and for some minutes after the last one ended, so that it can resume, the feed says which
of their mailboxes changed and the log says what became of which message. The API's own changes come this
way too, and no other, so that nothing is told twice. So does new mail, whoever put it where.

An event tells where in the log its listener stands then, and one that comes back from another process, or
from before this one's start, is told what the log says since.

Where the log tells of too much, listeners hear `Resync` and read their lists anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from mailkeep.errors import StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import AccountNews, Arrived, Store, TopicKind
from mailkeep_api import positions
from mailkeep_api.hub import UNHEARD_SECONDS, Hub, HubEvent, Missed
from mailkeep_api.news import key_of, of_arrived

LINGER_SECONDS = UNHEARD_SECONDS  # how long a user is followed whom nobody listens for any more
SWEEP_SECONDS = 30.0
READS_AT_ONCE = 8  # of the process: after a gap in the feed everybody's mail is looked at
RETRY_SECONDS = 1.0
LEVEL_ATTEMPTS = 5  # to read the log to the very place where this process stands, while it grows

_log = get_logger("api")


class _Follower:
    """One user whose mail is followed. `heads` are the HIGHESTMODSEQ that were told of."""

    __slots__ = (
        "account_id",
        "busy",
        "heads",
        "lock",
        "position",
        "stale",
        "unread",
        "user_id",
        "wanted",
    )

    def __init__(self, user_id: UUID, account_id: int, start: AccountNews) -> None:
        self.user_id = user_id
        self.account_id = account_id
        self.heads: Mapping[int, int] = start.heads
        self.position = positions.pack(start.heads)
        self.unread = start.unread
        self.lock = asyncio.Lock()
        self.stale = self.busy = False
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

    async def missed(self, user_id: UUID, account_id: int, last_event_id: str) -> Missed | None:
        """Follow a user's mail; what a listener with this id has missed, None if the hub knows it. Raises
        StoreUnavailable."""
        is_new = await self.follow(user_id, account_id)
        remembered = self._hub.remembers(last_event_id)
        position = positions.unpack(last_event_id.partition(".")[2].partition(".")[2])
        follower = self._followers.get(user_id)
        if not last_event_id or (remembered and not is_new) or follower is None:
            return None
        if position is not None:
            return await self._missed_since(follower, position, last_event_id)
        resync = self._hub.event(user_id, "Resync", {}, self._hub.mark(follower.position))
        return Missed([resync], self._hub.number) if remembered else None

    def position(self, user_id: UUID) -> str:
        """Where in the change log this process stands for the user; "" if they are not followed."""
        follower = self._followers.get(user_id)
        return "" if follower is None else follower.position

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
            await self._advance(follower)

    async def _advance(self, follower: _Follower) -> None:
        """With the lock."""
        news = await self._store.emails.news(follower.account_id, follower.heads)
        before, follower.heads = follower.heads, news.heads
        if before.keys() != news.heads.keys() and self._followers.get(follower.user_id) is follower:
            self._watch(follower, before)
        self._publish(follower, news, was_at=follower.position)

    async def _missed_since(self, follower: _Follower, position: Mapping[int, int], last_id: str) -> Missed:
        """From there to where this process stands, so that what is published next goes on from it."""
        hub, user_id = self._hub, follower.user_id
        async with follower.lock:
            for _ in range(LEVEL_ATTEMPTS):
                news = await self._store.emails.news(follower.account_id, position)
                if news.heads == follower.heads:
                    break
                await self._advance(follower)
            else:
                news = AccountNews(follower.heads, follower.unread, complete=False)
            told = [("NewEmail", _shown(one)) for one in news.arrived] + _told(news)
            if told:
                told.append(("UnreadCountChanged", news.unread))
            # Whoever leaves in the midst of it comes back with the id that they came with.
            ids = [last_id] * (len(told) - 1) + [hub.mark(follower.position)]
            events: list[HubEvent] = [
                hub.event(user_id, name, data, id) for (name, data), id in zip(told, ids, strict=False)
            ]
            return Missed(events, hub.number)

    # --- telling ----------------------------------------------------------------------------------

    def _publish(self, follower: _Follower, news: AccountNews, *, was_at: str) -> None:
        """The last of the events says that all of them were heard."""
        user_id = follower.user_id
        events = [
            ("NewEmail", _shown(one))
            for one in news.arrived
            if self._hub.first_time(key_of(user_id, one.email_id))
        ] + _told(news)
        if events or news.unread != follower.unread:
            events.append(("UnreadCountChanged", news.unread))
        follower.unread = news.unread
        follower.position = positions.pack(news.heads)
        for place, (name, data) in enumerate(events, 1):
            self._hub.publish(user_id, name, data, follower.position if place == len(events) else was_at)

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


def _shown(arrived: Arrived) -> Any:
    return of_arrived(arrived).model_dump(mode="json", by_alias=True)


def _told(news: AccountNews) -> list[tuple[str, Any]]:
    events: list[tuple[str, Any]] = [
        ("EmailUpdated", {"id": marked.email_id, "isRead": marked.is_read}) for marked in news.updated
    ]
    events += [("EmailDeleted", email_id) for email_id in news.deleted]
    return events if news.complete else [*events, ("Resync", {})]
