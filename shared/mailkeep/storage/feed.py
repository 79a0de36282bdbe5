"""Who watches what, and the text in which a commit names its topics to other processes.

Each backend has its own carrier (feed_sqlite, feed_postgres). What this process commits is published
here directly, before the commit is answered; the carriers bring what others commit, and say when they
may have missed something.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from mailkeep.observe import metrics
from mailkeep.storage.interface import Topic, TopicKind

log = logging.getLogger(__name__)


OfKind = Callable[[str | None], None]
"""Hears the ids of one kind of topic, and None after a gap."""


class Hub:
    """The watchers of one process. Used on the event loop only."""

    def __init__(self) -> None:
        self._watchers: dict[Topic, set[Callable[[], None]]] = {}
        self._of_kind: dict[TopicKind, set[OfKind]] = {kind: set() for kind in TopicKind}

    def watch(self, topic: Topic, changed: Callable[[], None]) -> Callable[[], None]:
        """See interface.Feed."""
        self._watchers.setdefault(topic, set()).add(changed)
        return _Watch(self._watchers, topic, changed)

    def watch_kind(self, kind: TopicKind, changed: Callable[[str | None], None]) -> Callable[[], None]:
        """See interface.Feed."""
        self._of_kind[kind].add(changed)
        return lambda: self._of_kind[kind].discard(changed)

    def publish(self, topics: Iterable[Topic]) -> None:
        """Call who watches one of the topics."""
        for topic in topics:
            for changed in tuple(self._watchers.get(topic, ())):
                _call(changed)
            for heard in tuple(self._of_kind[topic.kind]):
                _call(partial(heard, topic.id))

    def gap(self) -> None:
        """Something may have been missed: call everybody."""
        metrics.FEED_GAPS.inc()
        for watchers in tuple(self._watchers.values()):
            for changed in tuple(watchers):
                _call(changed)
        for heards in self._of_kind.values():
            for heard in tuple(heards):
                _call(partial(heard, None))


class _Watch:
    """Ends when it is called. An API host has four for each open stream, and a function within a function
    would be five times as large."""

    __slots__ = ("_all", "_changed", "_topic", "_watchers")

    def __init__(
        self, all: dict[Topic, set[Callable[[], None]]], topic: Topic, changed: Callable[[], None]
    ) -> None:
        self._all = all
        self._topic = topic
        self._changed = changed
        self._watchers = all[topic]

    def __call__(self) -> None:
        self._watchers.discard(self._changed)
        if not self._watchers and self._all.get(self._topic) is self._watchers:
            del self._all[self._topic]


class Carrier(Protocol):
    """Brings topics from and to other processes."""

    async def start(self) -> None:
        """Hear from now on. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Hear no more."""


def pack(topics: Iterable[Topic], limit: int) -> Sequence[str]:
    """Topics as texts of at most `limit` octets: `m12 m13 d`. Ids hold neither spaces nor more than ASCII."""
    texts: list[str] = []
    line = ""
    for topic in topics:
        word = topic.kind.value + topic.id
        if line and len(line) + 1 + len(word) > limit:
            texts.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*texts, line] if line else texts


def stamped(text: str, at: int | None = None) -> str:
    """The text with a time, of its commit or now, in nanoseconds: a word of a kind that is no topic's."""
    return f"{_STAMP}{(time.time_ns() if at is None else at) // 1000} {text}"


def unpack(text: str) -> list[Topic]:
    """Topics from a text; words of a kind that this version does not know are left out.

    How long ago a stamped one was sent is counted.
    """
    if text.startswith(_STAMP):
        sent = text.partition(" ")[0].removeprefix(_STAMP)
        if sent.isascii() and sent.isdigit() and len(sent) < _STAMP_DIGITS:
            metrics.FEED_LAG.observe(max(0.0, time.time() - int(sent) / 1_000_000))
    return [Topic(TopicKind(word[0]), word[1:]) for word in text.split() if word[0] in _KINDS]


_STAMP = "t"
_STAMP_DIGITS = 20
_KINDS = frozenset(kind.value for kind in TopicKind)


def _call(changed: Callable[[], None]) -> None:
    try:
        changed()
    except Exception:
        # One watcher's fault must not keep the others from hearing.
        log.exception("a watcher of the feed failed")
