"""What NOTIFY's events look like on the wire: the difference of two looks (RFC 5465 section 5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.commands.notify import NotifyEvent
from mailkeep.imap.names import NameForm
from mailkeep.imap.responses import ListData, MetadataChanged, StatusData
from mailkeep.model.annotations import Depth
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, Mailbox
from mailkeep.storage.interface import Annotations
from mailkeep_imap.tree import Tree, attributes

Annotated = Mapping[str, int]
"""A hash of each value by its entry's name: values may be large, and only their changing counts."""

NameEvents = Callable[[str], frozenset[NotifyEvent]]
_NEW = (StatusItem.UIDNEXT, StatusItem.MESSAGES)
_ALL_ENTRIES = ("/private", "/shared")


@dataclass(frozen=True, slots=True)
class World:
    """One look: all names, and by their ids the mailboxes that the user may read."""

    tree: Tree
    mailboxes: Mapping[int, Mailbox]

    def name_of(self, mailbox_id: int) -> str | None:
        """What the user calls a mailbox."""
        mailbox = self.mailboxes.get(mailbox_id)
        return None if mailbox is None else mailbox.name

    def with_mailbox(self, mailbox: Mailbox) -> World:
        """The same with one of the mailboxes as it is here."""
        return replace(self, mailboxes={**self.mailboxes, mailbox.id: mailbox})

    def by_id(self) -> Mapping[int, str]:
        """All names that stand for something, whether it can be selected or not."""
        return {mailbox.id: name for name, mailbox in self.tree.mailboxes.items() if mailbox.id}


# --- messages in other mailboxes --------------------------------------------------------------------


def whole_status(mailbox: Mailbox, events: Collection[NotifyEvent], form: NameForm) -> bytes:
    """Section 3.1: what a client needs to know before it hears of changes."""
    items = [StatusItem.MESSAGES, StatusItem.UIDNEXT, StatusItem.UIDVALIDITY]
    if NotifyEvent.FLAG_CHANGE in events:
        items.append(StatusItem.HIGHESTMODSEQ)
    return _status(mailbox, items, form)


def status(
    before: Mailbox | None,
    mailbox: Mailbox,
    events: Collection[NotifyEvent],
    form: NameForm,
    *,
    with_modseq: bool,
) -> bytes:
    """Sections 5.1 to 5.3; b"" if nothing that the client wants to hear of has changed."""
    if before is None:
        return _status(mailbox, (StatusItem.UIDVALIDITY, *_NEW), form) if mailbox.messages else b""
    modseq = (StatusItem.HIGHESTMODSEQ,) if with_modseq else ()
    tells_unseen = NotifyEvent.FLAG_CHANGE in events and before.unseen != mailbox.unseen
    unseen = (StatusItem.UNSEEN,) if tells_unseen else ()
    if (before.uidnext, before.messages) != (mailbox.uidnext, mailbox.messages):
        return _status(mailbox, (*_NEW, *modseq, *unseen), form)  # one look may find both
    if NotifyEvent.FLAG_CHANGE not in events or before.highestmodseq == mailbox.highestmodseq:
        return b""
    if not modseq and not unseen:
        return b""
    return _status(mailbox, (*modseq, StatusItem.UIDVALIDITY, *unseen), form)


def _status(mailbox: Mailbox, items: Iterable[StatusItem], form: NameForm) -> bytes:
    values = {
        StatusItem.MESSAGES: mailbox.messages,
        StatusItem.UIDNEXT: mailbox.uidnext,
        StatusItem.UIDVALIDITY: mailbox.uidvalidity,
        StatusItem.UNSEEN: mailbox.unseen,
        StatusItem.HIGHESTMODSEQ: mailbox.highestmodseq,
    }
    return StatusData(mailbox.name, tuple((item, values[item]) for item in items)).encode(form)


# --- names ------------------------------------------------------------------------------------------


def names(before: World, after: World, events: NameEvents, quiet: Collection[str], form: NameForm) -> bytes:
    """Sections 5.4 and 5.5: a LIST response for each name that is affected."""
    old, new = before.by_id(), after.by_id()
    renamed = _renamed(old, new)
    affected: dict[str, None] = {}
    for name in [*_gone_or_made(old, new), *renamed]:
        if NotifyEvent.MAILBOX_NAME in events(name):
            affected[name] = None
    for name in sorted(before.tree.subscribed ^ after.tree.subscribed):
        if NotifyEvent.SUBSCRIPTION_CHANGE in events(name):
            affected[name] = None
    told = [name for name in affected if name not in quiet]
    return b"".join(_list(after.tree, name, renamed.get(name)).encode(form) for name in told)


def _gone_or_made(old: Mapping[int, str], new: Mapping[int, str]) -> Sequence[str]:
    """Names of mailboxes that were created or deleted, and the names right above them."""
    changed = [old[one] for one in old.keys() - new.keys()] + [new[one] for one in new.keys() - old.keys()]
    above = (name.rpartition(HIERARCHY_DELIMITER)[0] for name in changed)
    return sorted({*changed, *filter(None, above)})


def _renamed(old: Mapping[int, str], new: Mapping[int, str]) -> dict[str, str]:
    """Old names by new ones. What lies below a renamed mailbox goes with it without a word."""
    moved = {new[one]: old[one] for one in old.keys() & new.keys() if old[one] != new[one]}
    return {name: was for name, was in sorted(moved.items()) if not _goes_with_parent(name, was, moved)}


def _goes_with_parent(name: str, was: str, moved: Mapping[str, str]) -> bool:
    above, _, leaf = name.rpartition(HIERARCHY_DELIMITER)
    was_above, _, was_leaf = was.rpartition(HIERARCHY_DELIMITER)
    return bool(above) and leaf == was_leaf and moved.get(above) == was_above


def _list(tree: Tree, name: str, old_name: str | None) -> ListData:
    words = attributes(tree.mailboxes.get(name), name in tree.parents)
    if name in tree.subscribed:
        words = (*words, "\\Subscribed")
    return ListData(name, words, old_name=old_name)


def no_access(name: str, form: NameForm) -> bytes:
    """Section 3.1."""
    return ListData(name, ("\\NoAccess",)).encode(form)


# --- annotations ------------------------------------------------------------------------------------


async def read_annotations(
    store: Annotations, account_id: int, ids: Sequence[int]
) -> Mapping[int, Annotated]:
    """What the user sees in these mailboxes, 0 for the server."""
    found = await store.get(account_id, ids, _ALL_ENTRIES, Depth.ALL)
    return {one: {name: hash(value) for name, value in values.items()} for one, values in found.items()}


def metadata(mailbox: str, before: Annotated, after: Annotated, form: NameForm) -> bytes:
    """Sections 5.6 and 5.7: the entries that changed, those that are gone among them."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return MetadataChanged(mailbox, tuple(names)).encode(form) if names else b""
