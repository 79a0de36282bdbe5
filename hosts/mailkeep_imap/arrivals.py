"""What is fetched of new messages without being asked each time (RFC 5465 sections 5.2 and 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailkeep.imap.commands.fetch import Fetch, FetchAttribute
from mailkeep.imap.sequence import SequenceSet
from mailkeep_imap.fetching.plan import make_plan
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

Arrivals = dict[int, tuple[tuple[FetchAttribute, ...], bool]]
"""By UID: what is shown of a message, and whether a search has asked for some of it."""


def of(session: Session, view: Selected, first_new: int) -> Arrivals:
    """What is to be fetched of messages from that UID on, which the client has just been told of. The
    session's own are none that it needs to be shown."""
    notifications = session.notifications
    followed = [context for context in session.contexts.values() if context.shown]
    wanted = notifications.of_selected.attributes if notifications is not None else ()
    if view.uidnext == first_new or not (wanted or followed):
        return {}
    own = notifications.own_messages if notifications is not None else set()
    found: Arrivals = {}
    for place in view.places_of_uids(((first_new, view.uidnext - 1),)):
        uid = view.snapshot.uids[place]
        if uid in own:
            continue
        shown = [one for context in followed if uid in context.added for one in context.shown]
        if wanted or shown:
            found[uid] = tuple(dict.fromkeys((*wanted, *shown))), bool(shown)
    own.clear()
    return found


async def fetch(session: Session, view: Selected, new: Arrivals, *, of_searches: bool) -> None:
    """Send FETCH responses for those of `new` that searches have asked for, or for the others. Nothing is
    marked as seen: nobody has read anything."""
    from mailkeep_imap.commands.fetch import FetchRun  # noqa: PLC0415  it needs this module's callers

    groups: dict[tuple[FetchAttribute, ...], list[int]] = {}
    for uid, (attributes, asked_by_search) in new.items():
        if asked_by_search is of_searches:
            groups.setdefault(attributes, []).append(uid)
    for attributes, uids in groups.items():
        command = Fetch("", SequenceSet(), attributes)
        places = view.places_of_uids(_ranges(uids))
        await FetchRun(session, make_plan(command, view.fetch_word), places).send()


def _ranges(uids: Iterable[int]) -> Iterable[tuple[int, int]]:
    return ((uid, uid) for uid in uids)
