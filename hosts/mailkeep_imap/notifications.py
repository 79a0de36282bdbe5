"""NOTIFY: what one session wants to hear, and what it has heard (RFC 5465).

The feed says that a mailbox or the list of mailboxes moved; what is told is the difference between what the
session knew and what the database has. So any number of hints costs one look, nothing is told twice, and a
lost hint costs nothing but time. The selected mailbox is told of by updates.py; here is what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailkeep.errors import LimitExceeded
from mailkeep.imap.commands.fetch import FetchAttribute
from mailkeep.imap.commands.mailbox_filters import OF_SELECTED, FilterKind
from mailkeep.imap.commands.notify import OF_MESSAGES, EventGroup, NotifyEvent
from mailkeep.imap.responses import untagged_ok
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.rights import LOOKUP, READ
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep.storage.interface.annotations import SERVER
from mailkeep_imap import notices
from mailkeep_imap.access import is_foreign, shared_mailboxes
from mailkeep_imap.mailbox_filters import means_name
from mailkeep_imap.notices import Annotated, World
from mailkeep_imap.tree import Tree

if TYPE_CHECKING:
    from mailkeep_imap.selected import Selected
    from mailkeep_imap.session import Session

WATCHED_LIMIT = 1000  # topics of one session
_OF_NAMES = frozenset({NotifyEvent.MAILBOX_NAME, NotifyEvent.SUBSCRIPTION_CHANGE})


@dataclass(frozen=True, slots=True)
class OfSelected:
    """What the client hears of the mailbox that it has selected, whatever that is (section 6.1)."""

    events: frozenset[NotifyEvent] = frozenset()
    delayed: bool = False
    attributes: tuple[FetchAttribute, ...] = ()


class Notifications:
    """One session's. `own_messages` are UIDs of the selected mailbox that it has put there itself, and
    `own_changes` the modseqs with which it has put some into others."""

    __slots__ = (
        "_all_events",
        "_annotated",
        "_annotations",
        "_groups",
        "_moved",
        "_quiet",
        "_session",
        "_stops",
        "_world",
        "of_selected",
        "own_changes",
        "own_messages",
    )

    def __init__(self, session: Session, groups: Iterable[EventGroup]) -> None:
        self._session = session
        self._groups = tuple(group for group in groups if group.mailboxes.kind not in OF_SELECTED)
        self._all_events = frozenset(event for group in self._groups for event in group.events)
        self.of_selected = OfSelected()
        for group in groups:
            if group.mailboxes.kind in OF_SELECTED:
                delayed = group.mailboxes.kind is FilterKind.SELECTED_DELAYED
                self.of_selected = OfSelected(frozenset(group.events), delayed, group.attributes)
        self.own_messages: set[int] = set()
        self.own_changes: dict[int, int] = {}
        self._quiet: set[str] = set()
        self._annotated: set[int] = set()
        self._moved = False
        self._stops: dict[Topic, Callable[[], None]] = {}
        self._world = World(Tree((), ()), {})
        self._annotations: Mapping[int, Annotated] = {}

    @property
    def tells_selected(self) -> bool:
        """True if changes in the selected mailbox are to be told at any time."""
        return bool(self.of_selected.events)

    @property
    def tells_flags(self) -> bool:
        """True if they include those of flags."""
        return NotifyEvent.FLAG_CHANGE in self.of_selected.events

    async def begin(self) -> None:
        """Learn what there is, and listen. Raises LimitExceeded if it is too much."""
        self._world = await self._look()
        self._watch()
        self._annotations = await self._read_annotations(self._annotated_ids())
        self._world = await self._look()  # what changed before the watch began is known, not told

    def stop(self) -> None:
        """Listen no more."""
        for stop in self._stops.values():
            stop()
        self._stops.clear()

    def left(self, view: Selected) -> None:
        """The selected mailbox is one of the others again: what was not told of it as such is told now."""
        known = self._world.mailboxes.get(view.mailbox_id)
        if known is None:
            return
        known = replace(known, uidnext=view.uidnext, messages=view.exists)
        if view.owes_flags:
            known = replace(known, unseen=-1, highestmodseq=0)  # whatever they are, they are news
        self._world = self._world.with_mailbox(known)
        self._moved = True

    def be_quiet_about(self, *names: str) -> None:
        """The session's own command has changed what goes by these names (section 5)."""
        self._quiet.update(names)

    def statuses(self) -> bytes:
        """What NOTIFY SET STATUS tells at once (section 3.1)."""
        return b"".join(
            notices.whole_status(mailbox, events, self._session.form)
            for mailbox in self._others()
            if (events := self._events(mailbox.name) & OF_MESSAGES)
        )

    def without_access(self) -> bytes:
        """Mailboxes that are meant and may be seen, but not read (section 3.1)."""
        tree = self._world.tree
        lines = []
        for name, mailbox in tree.mailboxes.items():
            rights = tree.rights_in(name)
            if mailbox.selectable and LOOKUP in rights and READ not in rights and self._events(name):
                lines.append(notices.no_access(name, self._session.form))
        return b"".join(lines)

    # --- hints ----------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Listen for what is meant now. Raises LimitExceeded."""
        wanted = dict(self._topics())
        for topic in self._stops.keys() - wanted.keys():
            if topic.kind is not TopicKind.ACCESS:  # what was taken away may be given again (section 5.9)
                self._stops.pop(topic)()
        for topic, hint in wanted.items():
            if topic not in self._stops:
                if len(self._stops) >= WATCHED_LIMIT:
                    raise LimitExceeded("That is more than one session can be told of.")
                self._stops[topic] = self._session.host.store.feed.watch(topic, hint)

    def _topics(self) -> Iterator[tuple[Topic, Callable[[], None]]]:
        yield Topic(TopicKind.ACCOUNT, str(self._session.account_id)), self._hint
        if self._may_be_foreign():
            for account_id in (self._session.account_id, 0):
                yield Topic(TopicKind.SHARED, str(account_id)), self._hint
        for mailbox in self._world.mailboxes.values():
            events, one = self._events(mailbox.name), str(mailbox.id)
            if events & OF_MESSAGES:
                yield Topic(TopicKind.MAILBOX, one), self._hint
            if NotifyEvent.MAILBOX_METADATA_CHANGE in events:
                yield Topic(TopicKind.ANNOTATION, one), self._annotation_hint(mailbox.id)
            if events and mailbox.account_id != self._session.account_id:
                yield Topic(TopicKind.ACCESS, one), self._hint
        if NotifyEvent.SERVER_METADATA_CHANGE in self._all_events:
            yield Topic(TopicKind.ANNOTATION, str(SERVER)), self._annotation_hint(SERVER)

    def _annotation_hint(self, mailbox_id: int) -> Callable[[], None]:
        def hint() -> None:
            self._annotated.add(mailbox_id)
            self._session.push()

        return hint

    def _hint(self) -> None:
        self._moved = True
        self._session.push()

    # --- telling --------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Send what changed outside the selected mailbox since it was told last."""
        if self._moved:
            await self._tell_mailboxes()
        if self._annotated:
            await self._tell_annotations()
        self._quiet.clear()

    async def _tell_mailboxes(self) -> None:
        self._moved = False
        try:
            world = await self._look()
        except BaseException:  # what could not be looked at is looked at the next time
            self._moved = True
            raise
        before, self._world = self._world, self._as_told(world)
        send, form = self._session.send, self._session.form
        # Everything is compared, because hints of what was seen may be on their way still.
        if not _OF_NAMES.isdisjoint(self._all_events):
            send(notices.names(before, world, self._name_events(before, world), self._quiet, form))
        for mailbox in self._others():
            events = self._events(mailbox.name) & OF_MESSAGES
            known = before.mailboxes.get(mailbox.id)
            was_meant = known is None or self._events_if(known.name, before.tree.subscribed) & OF_MESSAGES
            if events and was_meant and not self._is_own(known, mailbox):
                send(notices.status(known, mailbox, events, form, with_modseq=self._session.condstore))
        try:
            self._watch()
        except LimitExceeded as error:  # section 5.8
            send(untagged_ok(str(error), b"NOTIFICATIONOVERFLOW"))
            self.stop()
            self._groups, self._all_events, self.of_selected = (), frozenset(), OfSelected()
            self._session.attend()

    def _as_told(self, world: World) -> World:
        """A look, but for flags in the selected mailbox that the client does not hear of while it is that."""
        view = self._session.selected
        known = None if view is None or self.tells_flags else self._world.mailboxes.get(view.mailbox_id)
        found = None if known is None else world.mailboxes.get(known.id)
        if known is None or found is None:
            return world
        return world.with_mailbox(replace(found, unseen=known.unseen, highestmodseq=known.highestmodseq))

    def _is_own(self, known: Mailbox | None, mailbox: Mailbox) -> bool:
        """True if all that is new is the session's own doing (section 5)."""
        own = self.own_changes.pop(mailbox.id, None)
        return known is not None and own == mailbox.highestmodseq == known.highestmodseq + 1

    async def _tell_annotations(self) -> None:
        moved = frozenset(self._annotated)
        self._annotated -= moved
        try:
            fresh = await self._read_annotations(moved)
        except BaseException:
            self._annotated |= moved
            raise
        for mailbox_id in sorted(moved):
            name = "" if mailbox_id == SERVER else self._world.name_of(mailbox_id)
            if name is not None and name not in self._quiet:
                known = self._annotations.get(mailbox_id, {})
                self._session.send(
                    notices.metadata(name, known, fresh.get(mailbox_id, {}), self._session.form)
                )
        self._annotations = {**self._annotations, **{one: fresh.get(one, {}) for one in moved}}

    async def _read_annotations(self, mailbox_ids: Iterable[int]) -> Mapping[int, Annotated]:
        ids = tuple(mailbox_ids)
        if not ids:
            return {}
        return await notices.read_annotations(
            self._session.host.store.annotations, self._session.account_id, ids
        )

    def _annotated_ids(self) -> list[int]:
        return [int(topic.id) for topic in self._stops if topic.kind is TopicKind.ANNOTATION]

    # --- the world ------------------------------------------------------------------------------

    async def _look(self) -> World:
        session, store = self._session, self._session.host.store.mailboxes
        own = await store.list(session.account_id)
        subscribed = await store.subscriptions(session.account_id)
        shared = await shared_mailboxes(session) if self._may_be_foreign() else ()
        tree = Tree(own, subscribed, shared)
        readable = {
            mailbox.id: mailbox
            for name, mailbox in tree.mailboxes.items()
            if mailbox.selectable and READ in tree.rights_in(name)
        }
        return World(tree, readable)

    def _may_be_foreign(self) -> bool:
        filters = [group.mailboxes for group in self._groups]
        return any(
            wanted.kind is FilterKind.SUBSCRIBED or any(map(is_foreign, wanted.mailboxes))
            for wanted in filters
        )

    def _events(self, name: str) -> frozenset[NotifyEvent]:
        """What is to be told of that name (section 6: of all groups that mean it)."""
        subscribed = self._world.tree.subscribed
        return self._events_if(name, subscribed)

    def _name_events(self, before: World, world: World) -> Callable[[str], frozenset[NotifyEvent]]:
        """The same for names that may be gone, or subscribed no more."""
        subscribed = before.tree.subscribed | world.tree.subscribed
        return lambda name: self._events_if(name, subscribed)

    def _events_if(self, name: str, subscribed: frozenset[str]) -> frozenset[NotifyEvent]:
        meaning = (group for group in self._groups if means_name(group.mailboxes, name, subscribed))
        return frozenset(event for group in meaning for event in group.events)

    def _others(self) -> Iterable[Mailbox]:
        """All but the selected one."""
        view = self._session.selected
        selected = None if view is None else view.mailbox_id
        return [mailbox for mailbox in self._world.mailboxes.values() if mailbox.id != selected]
