"""Telling the client what has changed in its mailbox since it last heard (RFC 9051 sections 7.4, 7.5)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mailkeep.errors import StoreUnavailable
from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.copy import Move
from mailkeep.imap.commands.fetch import Fetch
from mailkeep.imap.commands.mailbox import Expunge
from mailkeep.imap.commands.multisearch import MultiSearch
from mailkeep.imap.commands.replace import Replace
from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.commands.store import Store
from mailkeep.imap.commands.thread import Thread
from mailkeep.imap.response_codes import NumberCode
from mailkeep.imap.responses import FlagsData, VanishedData, untagged_ok
from mailkeep_imap import arrivals, contexts
from mailkeep_imap.fetching.batch import flag_lists, modseqs
from mailkeep_imap.selected import Selected, Updates

if TYPE_CHECKING:
    from mailkeep_imap.arrivals import Arrivals
    from mailkeep_imap.session import Session


SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


_OWN_EFFECT = (Expunge, Move, Replace, Store)  # told to whoever gives them, wanted or not


class Reporting(Enum):
    """How much may be said at the end of a command."""

    EVERYTHING = "everything"
    WITH_UIDS = "everything, and UIDs with the flags"
    NO_EXPUNGES = "nothing that changes sequence numbers"


HOLD_NUMBERS = frozenset({Fetch, Store, Search, Sort, Thread, MultiSearch})


def permitted(command: Command) -> Reporting:
    """RFC 9051 section 7.5.1: no EXPUNGE while FETCH, STORE or SEARCH is answered; RFC 5256 for SORT and
    THREAD. The UID forms hold no sequence numbers, so they may have it."""
    if type(command) in HOLD_NUMBERS:
        return Reporting.WITH_UIDS if getattr(command, "uid", False) else Reporting.NO_EXPUNGES
    return Reporting.EVERYTHING


@dataclass(frozen=True, slots=True)
class Also:
    """What stands beside FLAGS in a FETCH response that nobody asked for."""

    uid: bool = False
    modseq: bool = False  # RFC 7162 section 3.1, once the client has enabled CONDSTORE
    vanished: bool = False  # and instead of EXPUNGE (section 3.2.10), once it has enabled QRESYNC


async def tell(session: Session, reporting: Reporting, command: Command | None = None) -> None:
    """Send what is pending: for the selected mailbox, for the searches in it that are followed, and for
    whatever else the client wants to hear of. `command` is the one that is about to be answered."""
    view, notifications = session.selected, session.notifications
    unwanted = notifications is not None and not notifications.tells_selected
    if view is not None and (not unwanted or isinstance(command, _OWN_EFFECT)):
        await tell_selected(session, view, reporting)
    if notifications is not None:
        with suppress(StoreUnavailable):  # it is told when the database is back
            await notifications.tell()


async def tell_unasked(session: Session) -> None:
    """The same when no command is under way."""
    notifications = session.notifications
    delayed = notifications is not None and notifications.of_selected.delayed and not session.idling
    await tell(session, Reporting.NO_EXPUNGES if delayed else Reporting.EVERYTHING)


async def tell_selected(session: Session, view: Selected, reporting: Reporting) -> None:
    """RFC 5465 section 5.2: EXISTS, then what searches say of the new messages, then what is fetched of them;
    but what a search fetches goes before its word of it (section 7)."""
    if session.contexts and not await _looked(session):
        reporting = Reporting.NO_EXPUNGES
    if session.selected is not view:
        return
    first_new = view.uidnext
    session.send(contexts.before(session, view) if session.contexts else b"")
    report(session, reporting)
    new = arrivals.of(session, view, first_new)
    if new:
        await _fetch(session, view, new, of_searches=True)
    session.send(contexts.after(session, view) if session.contexts else b"")
    if new:
        await _fetch(session, view, new, of_searches=False)


async def _looked(session: Session) -> bool:
    try:
        return await contexts.look(session)
    except StoreUnavailable:  # what was not looked at is looked at the next time
        return False


async def _fetch(session: Session, view: Selected, new: Arrivals, *, of_searches: bool) -> None:
    with suppress(StoreUnavailable):  # the client knows that they are there, and can ask
        await arrivals.fetch(session, view, new, of_searches=of_searches)


def report(session: Session, reporting: Reporting) -> None:
    """Send what is pending for the selected mailbox, if there is one."""
    view = session.selected
    if view is None or not view.pending():
        return
    told = view.take_updates(expunges=reporting is not Reporting.NO_EXPUNGES)
    with_uids = reporting is Reporting.WITH_UIDS or session.qresync or session.notifications is not None
    session.send(render(view, told, Also(with_uids, session.condstore, session.hears_vanished)))
    if session.qresync and view.untold_expunges():
        # A client that stored the MODSEQs it has just seen would never hear of these (RFC 7162 section 6).
        code = NumberCode("HIGHESTMODSEQ", view.told_through()).encode()
        session.send(untagged_ok("Some messages have gone since.", code))


def render(view: Selected, told: Updates, also: Also) -> bytes:
    """EXPUNGE first: everything behind it has the numbers that are then in force."""
    if also.vanished:
        lines = [VanishedData(told.vanished).encode()] if told.vanished else []
    else:
        lines = [b"* %d EXPUNGE\r\n" % number for number in told.expunged]
    if told.keywords is not None:  # RFC 3501 section 7.2.6: FLAGS may come at any time
        lines.append(FlagsData((*SYSTEM_FLAGS, *told.keywords)).encode())
    if told.exists is not None:
        lines.append(b"* %d EXISTS\r\n" % told.exists)
    if told.recent is not None:
        lines.append(b"* %d RECENT\r\n" % told.recent)
    if told.flagged:
        lines.append(flag_responses(view, told.flagged, also))
    return b"".join(lines)


def flag_responses(view: Selected, flagged: Sequence[tuple[int, int]], also: Also) -> bytes:
    """FETCH responses with FLAGS for (sequence number, place)."""
    places = [place for _, place in flagged]
    items, columns = [b"FLAGS %b"], [flag_lists(view, places)]
    if also.uid and not view.uid_only:
        items.insert(0, b"UID %b")
        columns.insert(0, [b"%d" % view.snapshot.uids[place] for place in places])
    if also.modseq:
        items.append(b"MODSEQ %b")
        columns.append(modseqs(view, places))
    template = b"* %%d %b (%b)\r\n" % (view.fetch_word, b" ".join(items))
    numbers = [number for number, _ in flagged]
    return b"".join(map(template.__mod__, zip(numbers, *columns, strict=True)))
