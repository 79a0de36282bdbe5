"""How a process tells the others of its commits on PostgreSQL: in the transaction, or after it.

A transaction that notifies takes a lock of the whole database at its commit, and holds it until the disk has
the commit: those of all processes would wait for the disk one after the other. So news of mail, which is but
a hint to look, goes after the commit, gathered: at once, then every 10 ms. Who dies in between told nobody.
Therefore it says beforehand that it is *busy*; who has heard that, and then nothing for a few seconds, looks
everywhere (feed_silence). News of who may do what never waits: the transaction itself tells it, and all news
of a process that is not busy or cannot reach the others now.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from types import TracebackType

from mailkeep.errors import StoreUnavailable
from mailkeep.storage.database import Unforeseen
from mailkeep.storage.feed import pack, stamped
from mailkeep.storage.feed_silence import BUSY, DONE
from mailkeep.storage.interface import Topic, TopicKind

MAY_WAIT = frozenset({TopicKind.MAILBOX, TopicKind.OUTBOX, TopicKind.QUEUE})
GATHER_SECONDS = 0.01
BEAT_SECONDS = 1.0  # a busy process says at least so often that it is
LULL_SECONDS = 1.0  # without commits, and it is busy no more
FRESH_SECONDS = 2.0  # that it is busy was said so lately that the others still count on more
RETRY_SECONDS = 0.1
PAYLOAD_LIMIT = 7900  # octets; PostgreSQL refuses 8000, and name, time and state come on top

_NEVER = -1e9


class Telling:
    """The news of one process, whose `name` tells it from others. Used on the event loop only.

    `publish` tells its own watchers; `send` commits texts as notifications, or raises StoreUnavailable.
    """

    def __init__(
        self,
        name: str,
        publish: Callable[[AbstractSet[Topic]], None],
        send: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._name = name
        self._publish = publish
        self._send = send
        self._gathered: set[Topic] = set()
        self._gathered_at = 0
        self._is_some = asyncio.Event()
        self._under_way = 0
        self._committed_at = _NEVER
        self._said_at = _NEVER  # that we are busy
        self._teller: asyncio.Task[None] | None = None  # as long as others may take us for busy
        self._closing = False

    def commit(self, topics: AbstractSet[Topic]) -> Commit:
        """Entered for the statement that ends a transaction, and left when that is committed or not."""
        return Commit(self, topics)

    async def close(self) -> None:
        """There are no more commits: tell what is gathered."""
        self._closing = True
        if self._teller is not None:
            self._is_some.set()
            await asyncio.wait([self._teller])

    # --- a commit -------------------------------------------------------------------------------

    def begin(self, topics: AbstractSet[Topic]) -> tuple[Sequence[str], float | None]:
        """The texts that the transaction must tell, and since when we are busy if it tells that as well."""
        self._under_way += 1
        now = time.monotonic()
        if now < self._said_at + FRESH_SECONDS and all(topic.kind in MAY_WAIT for topic in topics):
            return (), None
        # After a single commit nobody need wait for more; and "busy" must not overtake a "done" on its way.
        if now < self._committed_at + LULL_SECONDS and self._teller is None:
            return self._texts(topics, time.time_ns(), BUSY), now
        return self._texts(topics, time.time_ns()), None

    def end(self, topics: AbstractSet[Topic], texts: Sequence[str], busy_since: float | None) -> None:
        """It is committed, as far as anybody knows. Our own watchers hear before the caller is answered."""
        self._committed_at = time.monotonic()
        self._publish(topics)
        if not texts:
            self._gather(topics, time.time_ns())
        elif busy_since is not None and self._teller is None and not self._closing:
            self._said_at = busy_since
            self._teller = asyncio.create_task(self._tell(), name="feed-tell")

    def over(self) -> None:
        """Whatever became of it."""
        self._under_way -= 1

    def _gather(self, topics: AbstractSet[Topic], at: int) -> None:
        if not self._gathered:
            self._gathered_at = at
            self._is_some.set()
        self._gathered |= topics

    def _texts(self, topics: AbstractSet[Topic], at: int, *state: str) -> list[str]:
        texts = pack(topics, PAYLOAD_LIMIT)
        return [" ".join((self._name, stamped(text, at), *state)) for text in texts]

    # --- while busy -----------------------------------------------------------------------------

    async def _tell(self) -> None:
        while self._is_busy() and not self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._is_some.wait()
            is_said = await self._tell_gathered(BUSY)
            await asyncio.sleep(GATHER_SECONDS if is_said else RETRY_SECONDS)
        self._said_at = _NEVER
        await self._tell_gathered(DONE)
        self._teller = None

    def _is_busy(self) -> bool:
        """What is under way may rely on our telling of it, and may take longer than a lull."""
        is_lull = time.monotonic() >= self._committed_at + LULL_SECONDS
        return bool(self._gathered or self._under_way) or not is_lull

    async def _tell_gathered(self, state: str) -> bool:
        """False if nobody can be told now; then it stays gathered, and transactions tell by themselves."""
        topics, at, self._gathered = self._gathered, self._gathered_at, set()
        self._is_some.clear()
        began = time.monotonic()
        try:
            await self._send(self._texts(topics, at, state) or [f"{self._name} {state}"])
        except StoreUnavailable:
            self._said_at = _NEVER
            self._gather(topics, at)
            return False
        if state == BUSY:
            self._said_at = began
        return True


class Commit:
    """Entered for the texts that a transaction must tell by itself."""

    __slots__ = ("_busy_since", "_telling", "_texts", "_topics")

    def __init__(self, telling: Telling, topics: AbstractSet[Topic]) -> None:
        self._telling = telling
        self._topics = topics

    def __enter__(self) -> Sequence[str]:
        self._texts, self._busy_since = self._telling.begin(self._topics)
        return self._texts

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A failure may leave open what became of it: a hint too many does no harm."""
        self._telling.over()
        if self._topics and not isinstance(error, Unforeseen):
            self._telling.end(self._topics, self._texts, self._busy_since)
