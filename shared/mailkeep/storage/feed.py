"""Who watches what, and the text in which a commit names its topics to other processes.

Each backend has its own carrier (feed_sqlite, feed_postgres). What this process commits is published
here directly, before the commit is answered; the carriers bring what others commit, and say when they
may have missed something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mailkeep.storage.interface import Topic, TopicKind

log = logging.getLogger(__name__)


class Hub:
    """The watchers of one process. Used on the event loop only."""

    def __init__(self) -> None:
        self._watchers: dict[Topic, set[Callable[[], None]]] = {}

    def watch(self, topic: Topic, changed: Callable[[], None]) -> Callable[[], None]:
        """See interface.Feed."""
        watchers = self._watchers.setdefault(topic, set())
        watchers.add(changed)

        def stop() -> None:
            watchers.discard(changed)
            if not watchers and self._watchers.get(topic) is watchers:
                del self._watchers[topic]

        return stop

    def publish(self, topics: Iterable[Topic]) -> None:
        """Call who watches one of the topics."""
        for topic in topics:
            for changed in tuple(self._watchers.get(topic, ())):
                _call(changed)

    def gap(self) -> None:
        """Something may have been missed: call everybody."""
        for watchers in tuple(self._watchers.values()):
            for changed in tuple(watchers):
                _call(changed)


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


def unpack(text: str) -> list[Topic]:
    """Topics from a text; words of a kind that this version does not know are left out."""
    return [Topic(TopicKind(word[0]), word[1:]) for word in text.split() if word[0] in _KINDS]


_KINDS = frozenset(kind.value for kind in TopicKind)


def _call(changed: Callable[[], None]) -> None:
    try:
        changed()
    except Exception:
        # One watcher's fault must not keep the others from hearing.
        log.exception("a watcher of the feed failed")
