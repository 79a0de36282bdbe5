"""Sessions end when what let them in does: their key revoked, expired or restricted, their user disabled.

All sessions of one key, and of one user, share a feed subscription and one look at the store when the
feed speaks. The feed is a hint that also speaks after a gap, so what counts is the row that is read
then; while the store is away the look is repeated until it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

from mailkeep.auth.reasons import Reason
from mailkeep.auth.rules import key_ended, network_allowed, signed_out, user_ended
from mailkeep.errors import StoreUnavailable
from mailkeep.model.directory import User
from mailkeep.model.principal import Principal
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store, StoredKey, Topic, TopicKind

CHECKS_AT_ONCE = 8
"""Looks at the store under way together: after a gap every key is looked at, and mail must not wait."""

RETRY_SECONDS = 0.5
TIMER_LIMIT_SECONDS = 3600.0
"""Longest sleep of an expiry timer: the wall clock may be set while it runs."""

log = get_logger(__name__)


class _Session:
    __slots__ = ("ended", "expires_at", "over", "principal", "timer", "topics")

    def __init__(self, principal: Principal, ended: Callable[[str], None]) -> None:
        self.principal = principal
        self.ended = ended
        self.expires_at = principal.expires_at
        self.topics = _topics(principal)
        self.timer: asyncio.Handle | None = None
        self.over = False


class _Subject:
    """A key or a user with the sessions that hang on it."""

    __slots__ = ("checking", "dirty", "sessions", "stop")

    def __init__(self) -> None:
        self.sessions: set[_Session] = set()
        self.stop: Callable[[], None] | None = None
        self.dirty = False
        self.checking = False


Judge: TypeAlias = Callable[[_Session], Reason | None]


class SessionWatch:
    """`vouched(key_id)` says that the feed was heard since the key was last read: then the first look at
    the store is not needed."""

    def __init__(self, store: Store, vouched: Callable[[UUID], bool]) -> None:
        self._store = store
        self._vouched = vouched
        self._subjects: dict[Topic, _Subject] = {}
        self._tasks = TaskRegistry()
        self._places = asyncio.Semaphore(CHECKS_AT_ONCE)
        self.sessions = 0  # how many are watched now

    def __len__(self) -> int:
        return len(self._subjects)

    def watch(self, principal: Principal, ended: Callable[[str], None]) -> Callable[[], None]:
        """Call `ended(reason)` once, on the event loop, when the principal may no longer be here.

        Returns the function that stops the watch; after it `ended` is not called any more.
        """
        session = _Session(principal, ended)
        self.sessions += 1
        heard = principal.key_id is not None and self._vouched(principal.key_id)
        for topic in session.topics:
            self._subject(topic).sessions.add(session)
            if not heard:
                self._changed(topic)
        self._arm(session)
        return partial(self._leave, session)

    async def close(self) -> None:
        """Watch nothing any more; no session is told."""
        for session in {session for subject in self._subjects.values() for session in subject.sessions}:
            self._leave(session)
        await self._tasks.close()

    # --- subjects ---------------------------------------------------------------------------------

    def _subject(self, topic: Topic) -> _Subject:
        subject = self._subjects.get(topic)
        if subject is None:
            subject = self._subjects[topic] = _Subject()
            subject.stop = self._store.feed.watch(topic, partial(self._changed, topic))
        return subject

    def _changed(self, topic: Topic) -> None:
        subject = self._subjects.get(topic)
        if subject is None:
            return
        subject.dirty = True
        if not subject.checking:
            subject.checking = True
            self._tasks.spawn(self._check(topic, subject), f"check {topic.kind.name.lower()} {topic.id}")

    async def _check(self, topic: Topic, subject: _Subject) -> None:
        try:
            while subject.dirty and subject.sessions:
                subject.dirty = False
                judge = await self._look(topic)
                for session in tuple(subject.sessions):
                    self._judge(session, judge)
        finally:
            subject.checking = False

    async def _look(self, topic: Topic) -> Judge:
        while True:
            try:
                async with self._places:
                    return await self._ask(topic)
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)

    async def _ask(self, topic: Topic) -> Judge:
        if topic.kind is TopicKind.KEY:
            return partial(_key_objection, await self._store.keys.get(UUID(topic.id)))
        return partial(_user_objection, await self._store.directory.user(UUID(topic.id)))

    # --- sessions ---------------------------------------------------------------------------------

    def _judge(self, session: _Session, judge: Judge) -> None:
        ends_at = session.expires_at
        reason = judge(session)
        if reason is not None:
            self._end(session, reason)
        elif session.expires_at != ends_at:
            if session.timer is not None:
                session.timer.cancel()
            self._arm(session)

    def _arm(self, session: _Session) -> None:
        if session.expires_at is None or session.over:
            return
        left = (session.expires_at - datetime.now(UTC)).total_seconds()
        loop = asyncio.get_running_loop()
        if left > 0:
            session.timer = loop.call_later(min(left, TIMER_LIMIT_SECONDS), self._arm, session)
        else:
            session.timer = loop.call_soon(self._end, session, Reason.EXPIRED)

    def _end(self, session: _Session, reason: Reason) -> None:
        if session.over:
            return
        self._leave(session)
        try:
            session.ended(reason.value)
        except Exception:
            log.exception("a session could not be told that it is over", reason=reason.value)

    def _leave(self, session: _Session) -> None:
        if session.over:
            return
        session.over = True
        self.sessions -= 1
        if session.timer is not None:
            session.timer.cancel()
        for topic in session.topics:
            subject = self._subjects[topic]
            subject.sessions.discard(session)
            if not subject.sessions:
                del self._subjects[topic]
                if subject.stop is not None:
                    subject.stop()


def _key_objection(key: StoredKey | None, session: _Session) -> Reason | None:
    """Why the key would not open this session now. Its end moves when it is rotated or restricted."""
    reason = key_ended(key, datetime.now(UTC))
    if reason is not None or key is None:
        return reason
    if key.expires_at is not None and (session.expires_at is None or key.expires_at < session.expires_at):
        session.expires_at = key.expires_at
    principal = session.principal
    if not principal.scopes <= key.scopes:
        return Reason.SCOPE
    return None if network_allowed(key.networks, principal.host) else Reason.NETWORK


def _user_objection(user: User | None, session: _Session) -> Reason | None:
    reason = user_ended(user)
    if reason is None and session.principal.key_id is None:
        over = signed_out(user, session.principal.issued_at, datetime.now(UTC))
        return Reason.TOKEN_SIGNED_OUT if over else None
    return reason


def _topics(principal: Principal) -> tuple[Topic, ...]:
    topics = []
    if principal.key_id is not None:
        topics.append(Topic(TopicKind.KEY, str(principal.key_id)))
    if principal.user_id is not None:
        topics.append(Topic(TopicKind.USER, str(principal.user_id)))
    return tuple(topics)
