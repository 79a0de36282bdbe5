"""Which messages a command means, and what commands on messages have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailkeep.errors import PermissionRefused
from mailkeep.imap.sequence import SequenceSet
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Appended
from mailkeep_imap.codes import ExpungeIssued, ReadOnly
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


@dataclass(frozen=True, slots=True)
class Chosen:
    """Messages by UID. `missed` says that a sequence number named a message that is gone."""

    uids: UidSet
    missed: bool

    def complain(self) -> None:
        """Raises ExpungeIssued if a message was missed (RFC 2180 section 4.1.2: what there was is done)."""
        if self.missed:
            raise ExpungeIssued("Some of the messages are gone.")


def chosen(session: Session, messages: SequenceSet, *, uid: bool) -> Chosen:
    """The messages of a sequence set. Raises ImapSyntaxError for a number beyond the mailbox."""
    places, missed = places_in(session, messages, uid=uid)
    return Chosen(_uid_set(session.view.snapshot.uids, places), missed)


def _uid_set(uids: Sequence[int], ascending: Sequence[int]) -> UidSet:
    if ascending:
        low, high = uids[ascending[0]], uids[ascending[-1]]
        if high - low == len(ascending) - 1:  # as in most mailboxes
            return UidSet(((low, high),))
    return UidSet.of(uids[place] for place in ascending)


def places_in(session: Session, messages: SequenceSet, *, uid: bool) -> tuple[Sequence[int], bool]:
    """Places of a set in the selected mailbox, right until the next await, and whether a sequence number
    named a message that is gone. Raises ImapSyntaxError for a number beyond the mailbox."""
    view = session.view
    if messages.saved:  # RFC 5182 section 2.1: what has gone since is left out
        return view.places_of_uids(session.saved.ranges), False
    if uid:
        return view.places_of_uids(messages.resolve_uids(view.highest_uid()).ranges), False
    return view.places_of_sequences(messages.resolve_numbers(view.exists).ranges)


def require_write(view: Selected, *needed: str) -> None:
    """Raises ReadOnly for a mailbox opened with EXAMINE, PermissionRefused without the rights needed."""
    if view.read_only:
        raise ReadOnly("The mailbox is open for reading only.")
    if not view.rights.issuperset(needed):
        raise PermissionRefused("You may not do that in this mailbox.")


def note_own(session: Session, appended: Appended) -> None:
    """The session itself has put these messages into a mailbox: it need not be told of them."""
    view, notifications = session.selected, session.notifications
    if notifications is None:
        return
    if view is not None and view.mailbox_id == appended.mailbox_id:
        notifications.own_messages |= set(appended.uids)
    else:
        notifications.own_changes[appended.mailbox_id] = appended.highestmodseq


async def catch_up(session: Session, modseq: int) -> None:
    """See one's own write: move the selected snapshot to at least `modseq`."""
    view = session.selected
    if view is not None and view.snapshot.highestmodseq < modseq:
        await session.host.store.messages.refresh(view.snapshot)
