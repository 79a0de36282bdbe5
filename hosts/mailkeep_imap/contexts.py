"""CONTEXT=SEARCH: searches whose results are followed while their mailbox is selected (RFC 5267).

What came, went or changed is looked at again, and nothing else: a context costs its results as ranges of
UIDs, and one look at each change. To look may need the database, so it is done ahead (`look`); what it found
is told together with its cause (`before`, `after`). Sets of sequence numbers mean what they meant when the
search was made; sets of UIDs go on meaning what they say.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailkeep.imap.commands.fetch import FetchAttribute
from mailkeep.imap.commands.multisearch import MultiSearch
from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.search_keys import (
    AndKey,
    FuzzyKey,
    NotKey,
    OrKey,
    SearchKey,
    SequenceKey,
    UidKey,
    every_key,
)
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import EsearchData, tagged
from mailkeep.imap.sequence import STAR, SequenceSet
from mailkeep.model.uids import NO_UIDS, UID_MAX, UidSet
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.plan import make_plan
from mailkeep_imap.vanished import common, gaps

if TYPE_CHECKING:
    from mailkeep_imap.commands.search import Run
    from mailkeep_imap.selected import Selected
    from mailkeep_imap.session import Session

LOOKS = 5  # while a mailbox keeps changing
CONTEXTS_LIMIT = 16  # of one session; RFC 5267 section 4.3.1 asks for one at least


@dataclass(slots=True)
class Context:
    """One search that is followed. `results` are what the client knows of, once `gone`, `removed` and `added`
    have been told: UIDs that left with their message, that match no longer, and that match now."""

    tag: str
    keys: tuple[SearchKey, ...]
    uid: bool
    results: UidSet
    modseq: int
    last: int | None = None  # the highest UID at the last look, if `*` is among the keys: it moves
    shown: tuple[FetchAttribute, ...] = ()
    gone: UidSet = NO_UIDS
    removed: UidSet = NO_UIDS
    added: UidSet = NO_UIDS


def require_new(session: Session, tag: str) -> None:
    """Raises ImapSyntaxError for a tag that an earlier search goes by (section 4.3)."""
    if tag in session.contexts:
        raise ImapSyntaxError("A search that is being followed has that tag.", tag)


def follow(session: Session, command: Search | MultiSearch, run: Run, places: Iterable[int]) -> None:
    """From now on tell of changes to these results, or say why not (section 4.3.1)."""
    if len(session.contexts) >= CONTEXTS_LIMIT:
        decline(session, command, "Too many searches are being followed.")
        return
    shown = command.options.update if command.options is not None else ()
    results = UidSet.of(run.columns.uids[place] for place in places)
    keys = _pinned(session, run)
    last = _highest(run.columns) if any(map(_names_last, every_key(keys))) else None
    session.contexts[command.tag] = Context(command.tag, keys, command.uid, results, run.modseq, last, shown)


def decline(session: Session, command: Search | MultiSearch, reason: str) -> None:
    """There will be no updates of these results (section 4.3.1)."""
    code = b'NOUPDATE "%b"' % command.tag.encode("ascii")
    session.send(tagged(None, b"NO", reason, code))


def _pinned(session: Session, run: Run) -> tuple[SearchKey, ...]:
    def pin(key: SearchKey) -> SearchKey:
        match key:
            case SequenceKey(SequenceSet(saved=True)) | UidKey(SequenceSet(saved=True)):
                return UidKey(SequenceSet(run.saved.ranges))
            case SequenceKey():
                uids = UidSet.of(session.view.snapshot.uids[place] for place in run.places_of(key))
                return UidKey(SequenceSet(uids.ranges))
            case NotKey(inner):
                return NotKey(pin(inner))
            case FuzzyKey(inner):
                return FuzzyKey(pin(inner))
            case OrKey(left, right):
                return OrKey(pin(left), pin(right))
            case AndKey(keys):
                return AndKey(tuple(map(pin, keys)))
        return key

    return tuple(map(pin, run.keys))


def _names_last(key: SearchKey) -> bool:
    return isinstance(key, UidKey) and any(STAR in pair for pair in key.uids.ranges)


def _highest(columns: Columns) -> int:
    return columns.uids[-1] if len(columns) else 0


# --- looking ----------------------------------------------------------------------------------------


async def look(session: Session) -> bool:
    """Find out what the changes since the last look did to the results of all contexts. False if the mailbox
    moves faster than it can be looked at: then nothing may be told that takes sequence numbers away."""
    for _ in range(LOOKS):
        view = session.selected
        if view is None or _is_up_to_date(session, view):
            return True
        for context in tuple(session.contexts.values()):
            await _look(session, view, context)
    return session.selected is None or _is_up_to_date(session, session.selected)


def _is_up_to_date(session: Session, view: Selected) -> bool:
    return all(context.modseq >= view.snapshot.highestmodseq for context in session.contexts.values())


async def _look(session: Session, view: Selected, context: Context) -> None:
    snapshot = view.snapshot
    until = snapshot.highestmodseq
    changes = snapshot.changes_since(context.modseq)
    if changes is not None and not changes:
        return
    if changes is None:  # more than is remembered: everything may have changed
        touched, gone = UidSet(((1, UID_MAX),)), gaps(snapshot.uids, UID_MAX)
    else:
        touched = _together(change.appended | change.flagged for change in changes)
        gone = _together(change.expunged for change in changes)
    columns = Columns(view, time.time(), len(snapshot))
    last = None if context.last is None else _highest(columns)
    if last != context.last:
        touched |= UidSet.of(sorted({uid for uid in (context.last, last) if uid}))
    places = list(snapshot.indexes(touched))
    matching = UidSet.of(
        columns.uids[place] for place in await _matching(session, view, context, columns, places)
    )
    _take(context, touched=touched, gone=gone, matching=matching)
    context.modseq, context.last = until, last


async def _matching(
    session: Session, view: Selected, context: Context, columns: Columns, places: Sequence[int]
) -> Sequence[int]:
    if not places:
        return ()
    highest = columns.uids[-1]

    def places_of(key: SequenceKey | UidKey) -> Sequence[int]:
        assert isinstance(key, UidKey)  # sequence numbers were pinned
        return list(view.snapshot.indexes(key.uids.resolve_uids(highest)))

    store = session.host.store
    plan = make_plan(context.keys, places_of)
    return await find(plan, columns, store.messages, store.texts, places)


def _take(context: Context, *, touched: UidSet, gone: UidSet, matching: UidSet) -> None:
    """No waiting in here: what is pending is right at any moment that others see."""
    lost = common(context.results, gone)
    changed = _without(common(context.results, touched), matching | lost)
    new = _without(matching, context.results | gone)
    context.results = _without(context.results, lost | changed) | new
    # What was to be told and has been undone meanwhile is told of no more.
    removed, added = context.removed, context.added
    context.gone |= _without(lost, added) | common(removed, gone)
    context.removed = _without(removed, new | gone) | _without(changed, added)
    context.added = _without(added, lost | changed) | _without(new, removed)


def _together(sets: Iterable[UidSet]) -> UidSet:
    return UidSet.of_ranges(pair for uids in sets for pair in uids.ranges)


def _without(uids: UidSet, others: UidSet) -> UidSet:
    if not uids or not others:
        return uids
    return common(uids, gaps_between(others))


def gaps_between(uids: UidSet) -> UidSet:
    """All UIDs that are not in a set. The cost is that of its ranges."""
    free, kept = 1, []
    for low, high in uids.ranges:
        if low > free:
            kept.append((free, low - 1))
        free = high + 1
    if free <= UID_MAX:
        kept.append((free, UID_MAX))
    return UidSet(tuple(kept))


# --- telling ----------------------------------------------------------------------------------------


def before(session: Session, view: Selected) -> bytes:
    """REMOVEFROM for what is gone, while its sequence numbers are still in force (section 4.3.4)."""
    lines = []
    for context in session.contexts.values():
        gone, context.gone = context.gone, NO_UIDS
        numbers = _numbers(view, context, gone)
        if numbers:
            lines.append(_update(context, remove_from=((0, numbers),)))
    return b"".join(lines)


def after(session: Session, view: Selected) -> bytes:
    """REMOVEFROM and ADDTO for what changed and what came, behind the FETCH and EXISTS that say so."""
    lines = []
    for context in session.contexts.values():
        known = UidSet(((1, view.uidnext - 1),)) if view.uidnext > 1 else NO_UIDS
        removed, context.removed = context.removed, NO_UIDS
        added, context.added = common(context.added, known), _without(context.added, known)
        gone, come = _numbers(view, context, removed), _numbers(view, context, added)
        if gone or come:
            lines.append(
                _update(
                    context,
                    remove_from=((0, gone),) if gone else (),
                    add_to=((0, come),) if come else (),
                )
            )
    return b"".join(lines)


def _numbers(view: Selected, context: Context, uids: UidSet) -> UidSet:
    if context.uid or not uids:
        return uids
    numbers = (view.number_of(uid) for uid in uids)
    return UidSet.of(number for number in numbers if number is not None)


def _update(
    context: Context,
    *,
    remove_from: tuple[tuple[int, UidSet], ...] = (),
    add_to: tuple[tuple[int, UidSet], ...] = (),
) -> bytes:
    return EsearchData(context.tag, context.uid, remove_from=remove_from, add_to=add_to).encode()
