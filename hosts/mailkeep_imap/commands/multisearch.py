"""ESEARCH in several mailboxes (RFC 7377), and CANCELUPDATE (RFC 5267)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from mailkeep.errors import LimitExceeded, MailboxNotFound
from mailkeep.imap.commands.mailbox_filters import FilterKind
from mailkeep.imap.commands.multisearch import CancelUpdate, MultiSearch
from mailkeep.imap.commands.search import SearchOptions, SearchReturn
from mailkeep.imap.commands.search_keys import SequenceKey, UidKey
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.sequence import SequenceSet
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep_imap import contexts
from mailkeep_imap.access import Reached
from mailkeep_imap.commands.search import Run
from mailkeep_imap.mailbox_filters import reachable
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.results import check_options, extended, returned, scored, shows
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

MAILBOXES_LIMIT = 1000  # searched by one command (RFC 7377 section 2.4)


async def multi_search(session: Session, command: MultiSearch) -> Done:
    """Section 2: an ESEARCH response for each mailbox in which something was found."""
    _check(session, command)
    kinds = {source.kind for source in command.sources} or {FilterKind.SELECTED}
    if FilterKind.SELECTED in kinds:
        await _search_selected(session, command)
    elif command.options is not None and SearchReturn.UPDATE in command.options.items:
        contexts.decline(session, command, "Only a search of the selected mailbox is followed.")
    for reached in await _others(session, command):
        await _search_other(session, command, reached)
        await session.output.make_room()
    return Done("ESEARCH completed.")


def _check(session: Session, command: MultiSearch) -> None:
    check_options(command.options, command.keys, command.tag)
    if session.utf8 and command.charset is not None:
        raise ImapSyntaxError("The charset is UTF-8: UTF8=ACCEPT has said so.", command.tag)
    kinds = {source.kind for source in command.sources} or {FilterKind.SELECTED}
    items = command.options.items if command.options is not None else ()
    if session.selected is None and (FilterKind.SELECTED in kinds or SearchReturn.UPDATE in items):
        raise ImapSyntaxError("No mailbox is selected.", command.tag)
    if SearchReturn.SAVE in items and kinds != {FilterKind.SELECTED}:
        raise ImapSyntaxError("Only a search of the selected mailbox can be saved.", command.tag)
    if SearchReturn.UPDATE in items:
        contexts.require_new(session, command.tag)


async def _others(session: Session, command: MultiSearch) -> Sequence[Reached]:
    """Each mailbox once, by name; the selected one only if it is meant in another way than as such."""
    if all(source.kind is FilterKind.SELECTED for source in command.sources):
        return ()
    known = await reachable(session, command.sources)
    found = {one.mailbox.id: one for source in command.sources for one in known.meant_by(source)}
    if session.selected is not None and any(one.kind is FilterKind.SELECTED for one in command.sources):
        found.pop(session.selected.mailbox_id, None)
    if len(found) > MAILBOXES_LIMIT:
        raise LimitExceeded(f"At most {MAILBOXES_LIMIT} mailboxes can be searched at once.")
    return sorted(found.values(), key=lambda one: one.mailbox.name)


async def _search_selected(session: Session, command: MultiSearch) -> None:
    view, options = session.view, command.options or SearchOptions()
    run = Run(session, command.keys, uid=True, places_of=lambda key: _places(view, key, session.saved))
    saves = SearchReturn.SAVE in options.items
    if saves:
        session.saved = NO_UIDS
    places = await run.find()
    if saves:
        session.saved = UidSet.of(run.columns.uids[place] for place in returned(places, options))
    await _send(session, command, run, places, view)
    if SearchReturn.UPDATE in options.items:
        contexts.follow(session, command, run, places)


async def _search_other(session: Session, command: MultiSearch, reached: Reached) -> None:
    """A mailbox that is not selected is looked at through a view of the moment, which is told of nothing."""
    try:
        snapshot = await session.host.store.messages.snapshot(reached.mailbox.id)
    except MailboxNotFound:  # deleted meanwhile
        return
    with closing(Selected(snapshot, reached.mailbox.name, read_only=True, ledger=None)) as view:
        run = Run(
            session, command.keys, uid=True, view=view, places_of=lambda key: _places(view, key, NO_UIDS)
        )
        await _send(session, command, run, await run.find(), view)


async def _send(
    session: Session, command: MultiSearch, run: Run, places: Sequence[int], view: Selected
) -> None:
    """Section 2.1: nothing is said of mailboxes without a match, not even COUNT 0."""
    found, options = run.numbers_of(places), command.options or SearchOptions()
    if found and shows(options):
        relevancy = await run.relevancies(scored(places, options))
        data = extended(command, options, found, run.modseq_of(returned(places, options)), relevancy)
        data = replace(data, mailbox=view.name, uidvalidity=view.uidvalidity)
        session.send(data.encode(session.form))


def _places(view: Selected, key: SequenceKey | UidKey, saved: UidSet) -> Sequence[int]:
    """Section 2: a range of message numbers may end, or begin, beyond the mailbox."""
    named = key.uids if isinstance(key, UidKey) else key.messages
    if named.saved:
        return view.places_of_uids(saved.ranges)
    if isinstance(key, UidKey):
        return view.places_of_uids(named.resolve_uids(view.highest_uid()).ranges)
    return view.places_of_sequences(_within(named, view.exists))[0]


def _within(named: SequenceSet, exists: int) -> Sequence[tuple[int, int]]:
    ordered = (sorted((first or exists, last or exists)) for first, last in named.ranges)
    return [(low, min(high, exists)) for low, high in ordered if 1 <= low <= exists]


async def cancel_update(session: Session, command: CancelUpdate) -> Done:
    """RFC 5267 section 4.3.5: all of them, or none."""
    if not session.contexts.keys() >= set(command.tags):
        raise ImapSyntaxError("No search that is followed has that tag.", command.tag)
    for tag in command.tags:
        session.contexts.pop(tag, None)
    return Done("No more updates.")
