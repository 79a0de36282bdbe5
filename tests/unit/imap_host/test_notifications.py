"""NOTIFY: what is made of two looks at the mailboxes, and how much one session may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mailkeep.errors import LimitExceeded
from mailkeep.imap.commands.mailbox_filters import FilterKind, MailboxFilter
from mailkeep.imap.commands.notify import EventGroup, NotifyEvent
from mailkeep.imap.names import NameForm
from mailkeep.model.mailbox import Mailbox
from mailkeep.storage.interface import Topic
from mailkeep_imap import notices, notifications
from mailkeep_imap.notices import World
from mailkeep_imap.notifications import Notifications
from mailkeep_imap.tree import Tree

FORM = NameForm.UTF8
ALL_EVENTS = frozenset(NotifyEvent)
BOX = Mailbox(1, 0, "a", 7, 5, 20, "id", messages=3, unseen=2)


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


@pytest.fixture
def watched() -> list[Topic]:
    """Topics that are being watched now."""
    return []


@pytest.fixture
def listening(watched: list[Topic]) -> Callable[[dict[int, str]], Notifications]:
    """Makes notifications of messages in all mailboxes of a world."""

    def watch(topic: Topic, changed: Callable[[], None]) -> Callable[[], None]:
        watched.append(topic)
        return lambda: watched.remove(topic)

    def make(names: dict[int, str]) -> Notifications:
        store = SimpleNamespace(feed=SimpleNamespace(watch=watch))
        session: Any = SimpleNamespace(host=SimpleNamespace(store=store), account_id=0)
        events = (NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE)
        one = Notifications(session, [EventGroup(MailboxFilter(FilterKind.PERSONAL), events)])
        one._world = world(names)
        return one

    return make


Listening = Callable[[dict[int, str]], Notifications]


def test_what_is_gone_is_watched_no_more(listening: Listening, watched: list[Topic]) -> None:
    one = listening({1: "a", 2: "b"})
    one._watch()
    assert {topic.id for topic in watched} == {"0", "1", "2"}
    one._world = world({2: "b", 3: "c"})
    one._watch()
    assert {topic.id for topic in watched} == {"0", "2", "3"}
    one.stop()
    assert watched == []


def test_more_than_a_session_may_watch(
    listening: Listening, watched: list[Topic], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "WATCHED_LIMIT", 2)
    listening({1: "a"})._watch()
    with pytest.raises(LimitExceeded):
        listening({1: "a", 2: "b"})._watch()
