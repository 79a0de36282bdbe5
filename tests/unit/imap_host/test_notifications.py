"""NOTIFY: what is made of two looks at the mailboxes, and how much one session may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mailkeep.errors import LimitExceeded
from mailkeep.imap.commands.notify import NotifyEvent
from mailkeep.imap.names import NameForm
from mailkeep.model.mailbox import Mailbox
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep_imap import notices, notifications
from mailkeep_imap.notices import World
from mailkeep_imap.notifications import Notifications
from mailkeep_imap.tree import Tree

FORM = NameForm.UTF8
ALL_EVENTS = frozenset(NotifyEvent)
BOX = Mailbox(1, 1, "a", 7, 5, 20, "id", messages=3, unseen=2)


def world(names: dict[int, str], subscribed: tuple[str, ...] = ()) -> World:
    boxes = {one: replace(BOX, id=one, name=name) for one, name in names.items()}
    return World(Tree(list(boxes.values()), subscribed), boxes)


def told(before: World, after: World, quiet: frozenset[str] = frozenset()) -> list[str]:
    lines = notices.names(before, after, lambda name: ALL_EVENTS, quiet, FORM)
    return lines.decode().replace("* LIST ", "").splitlines()


def test_a_rename_takes_what_lies_below_with_it() -> None:
    before = world({1: "a", 2: "a/b", 3: "a/b/c", 4: "x"})
    after = world({1: "z", 2: "z/b", 3: "z/b/c", 4: "x"})
    assert told(before, after) == ['(\\HasChildren) "/" z ("OLDNAME" (a))']
    moved_out = world({1: "a", 2: "b", 3: "b/c", 4: "x"})
    assert told(before, moved_out) == ['(\\HasChildren) "/" b ("OLDNAME" (a/b))']


def test_what_comes_and_goes_is_told_with_what_stands_above() -> None:
    assert told(world({1: "a"}), world({1: "a", 2: "a/b"})) == [
        '(\\HasChildren) "/" a',
        '(\\HasNoChildren) "/" a/b',
    ]
    assert told(world({1: "a"}), world({2: "a"})) == ['(\\HasNoChildren) "/" a']  # made anew
    assert told(world({1: "a"}), world({}), frozenset({"a"})) == []


def test_subscriptions() -> None:
    before, after = world({1: "a"}, ("a", "gone")), world({1: "a"}, ("a", "new"))
    assert told(before, after) == [
        '(\\NonExistent) "/" gone',
        '(\\NonExistent \\Subscribed) "/" new',
    ]


@pytest.mark.parametrize(
    ("changes", "with_modseq", "items"),
    [
        ({}, False, None),
        ({"uidnext": 6, "messages": 4}, False, "UIDNEXT 6 MESSAGES 4"),
        ({"messages": 2, "highestmodseq": 21}, True, "UIDNEXT 5 MESSAGES 2 HIGHESTMODSEQ 21"),
        ({"highestmodseq": 21}, False, None),
        ({"highestmodseq": 21}, True, "HIGHESTMODSEQ 21 UIDVALIDITY 7"),
        ({"highestmodseq": 21, "unseen": 1}, False, "UIDVALIDITY 7 UNSEEN 1"),
    ],
)
def test_status(changes: dict[str, int], with_modseq: bool, items: str | None) -> None:
    after: Mailbox = replace(BOX, **changes)  # type: ignore[arg-type]
    line = notices.status(BOX, after, ALL_EVENTS, FORM, with_modseq=with_modseq).decode()
    assert line == ("" if items is None else f"* STATUS a ({items})\r\n")


def test_more_than_a_session_may_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Topic] = []

    def watch(topic: Topic, changed: Callable[[], None]) -> Callable[[], None]:
        return lambda: stopped.append(topic)

    session: Any = SimpleNamespace(
        host=SimpleNamespace(store=SimpleNamespace(feed=SimpleNamespace(watch=watch)))
    )
    monkeypatch.setattr(notifications, "WATCHED_LIMIT", 2)
    one = Notifications(session, ())
    topics = [Topic(TopicKind.MAILBOX, str(number)) for number in range(3)]
    for topic in (topics[0], topics[0], topics[1]):
        one._watch_topic(topic, lambda: None)
    with pytest.raises(LimitExceeded):
        one._watch_topic(topics[2], lambda: None)
    one.stop()
    assert stopped == topics[:2]
