"""Hints that something was committed. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class TopicKind(StrEnum):
    """What a commit can name. The values travel between processes: never rename. "t", "b" and "e" are
    the feed's own."""

    MAILBOX = "m"  # messages or flags of mailbox <id>
    ACCOUNT = "a"  # the list of mailboxes of account <id>
    KEY = "k"  # API key <uuid> was revoked or changed
    USER = "u"  # user <uuid> was disabled, enabled or changed
    DIRECTORY = "d"  # domains or addresses changed; the id is always ""
    OUTBOX = "o"  # notifications wait; the id is always ""
    ANNOTATION = "n"  # annotations of mailbox <id>, "0" for the server's
    ACCESS = "r"  # who may do what in mailbox <id>
    SHARED = "h"  # what is shared with account <id>; "0" for what concerns everybody
    QUEUE = "q"  # outgoing mail may be tried; the id is always ""
    UPSTREAM = "x"  # how an account elsewhere of user <uuid> is


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

    def watch_kind(self, kind: TopicKind, changed: Callable[[str | None], None]) -> Callable[[], None]:
        """Call `changed(id)` for every topic of a kind, and `changed(None)` after a gap: for whoever follows
        so many that a watcher for each would be too much."""
