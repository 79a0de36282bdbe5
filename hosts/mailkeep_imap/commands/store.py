"""STORE and UID STORE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.errors import PermissionRefused
from mailkeep.imap.commands.store import Store
from mailkeep.imap.response_codes import Modified
from mailkeep.model.flags import NO_FLAG, NO_FLAGS, FlagAction, FlagMask, Flags
from mailkeep.model.rights import changeable_flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import FlagsStored
from mailkeep_imap.fetching.batch import modseqs
from mailkeep_imap.messages import catch_up, chosen, require_write
from mailkeep_imap.outcome import Done
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def store(session: Session, command: Store) -> Done:
    """RFC 9051 section 6.4.6. The flags of all named messages are told, unless silent."""
    view = session.view
    require_write(view)
    flags = Flags.parse(command.flags)
    within = _changeable(view, command.action, flags)
    if command.unchanged_since is not None:
        session.enable_condstore()
    messages = chosen(session, command.messages, uid=command.uid)
    stored = FlagsStored(0, UidSet(), UidSet())
    if messages.uids:
        stored = await session.host.store.committer.store_flags(
            view.mailbox_id, messages.uids, command.action, flags, command.unchanged_since, within=within
        )
        await catch_up(session, stored.modseq)
        _tell(session, command, messages.uids, stored)
    messages.complain()
    if stored.modified:
        return Done(
            "Some of the messages have changed.", _modified(session, stored.modified, uid=command.uid)
        )
    return Done("STORE completed.")


def _changeable(view: Selected, action: FlagAction, flags: Flags) -> FlagMask:
    """What the user may change of it: the rest is passed over, because clients do not expect a NO here. If
    that is all of it, PermissionRefused is raised (RFC 4314 section 4)."""
    mask = changeable_flags(view.rights)
    nothing = mask == NO_FLAG if action is FlagAction.SET else flags != NO_FLAGS == flags.within(mask)
    if nothing:
        raise PermissionRefused("You may not change these flags in this mailbox.")
    return mask


def _tell(session: Session, command: Store, uids: UidSet, stored: FlagsStored) -> None:
    view = session.view
    if not command.silent:
        view.mark_flagged(UidSet.of(uid for uid in uids if uid not in stored.modified))
        return
    view.settle_flagged(stored.modseq, stored.changed)
    if session.condstore:  # RFC 7162 section 3.1.3: also the silent one hears the new MODSEQ
        _tell_modseqs(session, stored.changed, uid=command.uid or session.qresync)


def _tell_modseqs(session: Session, changed: UidSet, *, uid: bool) -> None:
    view = session.view
    places = view.places_of_uids(changed.ranges)
    for place, modseq in zip(places, modseqs(view, places), strict=True):
        shown = b"UID %d " % view.snapshot.uids[place] if uid and not view.uid_only else b""
        number = view.sequence_at(place)
        session.send(b"* %d %b (%bMODSEQ %b)\r\n" % (number, view.fetch_word, shown, modseq))


def _modified(session: Session, modified: UidSet, *, uid: bool) -> bytes:
    """RFC 7162 section 3.1.3: numbers of the kind that the command used."""
    if uid:
        return Modified(modified).encode()
    view = session.view
    places = view.places_of_uids(modified.ranges)
    return Modified(UidSet.of(view.sequence_at(place) for place in places)).encode()
