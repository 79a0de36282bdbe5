"""Messages on their way out, a batch at a time, as columns.

Each attribute gives one column of values, and one format string joins those between two sections: nothing is
called once a message that can be called once a batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from mailkeep.imap.commands.fetch import FetchItem
from mailkeep.imap.encoder import flags_of, internal_dates, string
from mailkeep.imap.render import cut
from mailkeep.mime import parts
from mailkeep.storage.interface import Column
from mailkeep_imap.fetching import binary
from mailkeep_imap.fetching.plan import COLUMN_OF, FetchPlan, Item
from mailkeep_imap.fetching.sections import of_header, section_octets
from mailkeep_imap.objects import object_id
from mailkeep_imap.selected import Selected

_PREVIEWS = (FetchItem.PREVIEW, FetchItem.PREVIEW_LAZY)
_RECENT_LISTS = tuple(flags_of(bits, (), recent=True) for bits in range(32))
_SYSTEM_LISTS = tuple(flags_of(bits, ()) for bits in range(32))


Rows = Sequence[Sequence[Any]]
Ready = Mapping[Hashable, Sequence[bytes]]
"""Values for the wire by their items' kinds, one a message."""

NOTHING_READY: Ready = {}


@dataclass(slots=True)
class Batch:
    """Parallel lists, one entry a message. `places` are right at the moment of rendering; `rows` holds the
    plan's columns and `octets` whole messages when the plan needs octets, `ready` values when it does not."""

    numbers: Sequence[int]
    uids: Sequence[int]
    places: Sequence[int]
    rows: Rows = ()
    octets: Sequence[bytes] = ()
    ready: Ready = field(default_factory=dict)
    newly_seen: frozenset[int] = field(default=frozenset())  # UIDs
    save_dates: Mapping[int, int] = field(default_factory=dict)  # Unix seconds by UID
    tells_modseq: bool = False  # RFC 7162 section 3.1: with every change of flags


def render(plan: FetchPlan, view: Selected, batch: Batch) -> bytes:
    """The responses for a batch. Octets of messages are joined with what stands around them, not formatted
    before: that would be a copy more."""
    formats = iter(plan.formats_with_tail if batch.newly_seen else plan.formats)
    pieces: list[Iterable[bytes]] = []
    columns: list[Iterable[Any]] = [batch.numbers]
    for item in plan.items:
        if plan.needs_octets and item.is_octets:
            heads, octets = _sections(item, plan, batch)
            pieces += [_formatted(next(formats), [*columns, heads], len(octets)), octets]
            columns = []
        else:
            columns.append(_values(item, plan, view, batch))
    if batch.newly_seen:
        columns.append(seen_tails(plan, view, batch))
    pieces.append(_formatted(next(formats), columns, len(batch.numbers)))
    return b"".join(pieces[0] if len(pieces) == 1 else chain.from_iterable(zip(*pieces, strict=True)))


def _formatted(form: bytes, columns: Sequence[Iterable[Any]], count: int) -> Iterable[bytes]:
    if not columns:
        return repeat(form % (), count)
    return map(form.__mod__, zip(*columns, strict=True))


def render_item(item: Item, plan: FetchPlan, view: Selected, batch: Batch) -> bytes:
    """Label and value of one item that is no section, for a batch of one."""
    (value,) = _values(item, plan, view, batch)
    return b"%b %b" % (item.label, value if isinstance(value, bytes) else b"%d" % value)


def values_of_rows(plan: FetchPlan, rows: Rows) -> dict[Hashable, Sequence[bytes]]:
    """What rows alone say of their messages, by kind: it never changes."""
    return {item.kind: _row_values(item, plan, rows) for item in plan.items if item.kind in plan.kinds}


def _values(item: Item, plan: FetchPlan, view: Selected, batch: Batch) -> Iterable[Any]:
    ready = batch.ready.get(item.kind)
    if ready is not None:
        return ready
    if item.is_binary:
        indexes = _column(plan, batch.rows, Column.PARTS) if Column.PARTS in plan.columns else ()
        return binary.of_batch(item, indexes, batch.octets)
    attribute, snapshot, places = item.attribute, view.snapshot, batch.places
    if attribute is FetchItem.UID:
        return batch.uids
    if attribute is FetchItem.FLAGS:
        return flag_lists(view, places)
    if attribute is FetchItem.INTERNALDATE:
        return internal_dates(_at(snapshot.internal_dates, places))
    if attribute is FetchItem.RFC822_SIZE:
        return _at(snapshot.sizes, places)
    if attribute is FetchItem.MODSEQ:
        return modseqs(view, places)
    if attribute is FetchItem.SAVEDATE:
        return internal_dates([batch.save_dates[uid] for uid in batch.uids])
    if attribute is FetchItem.THREADID:
        return [b"NIL"] * len(batch.uids)
    return _row_values(item, plan, batch.rows)


def _row_values(item: Item, plan: FetchPlan, rows: Rows) -> Sequence[bytes]:
    if item.section is not None:
        select = of_header(item.section)
        return [_literal(cut(select(header), item.partial)) for header in _column(plan, rows, Column.HEADER)]
    attribute = item.attribute
    assert isinstance(attribute, FetchItem)
    ready = _column(plan, rows, COLUMN_OF[attribute])
    if attribute is FetchItem.EMAILID:
        return [b"(%b)" % object_id(value).encode("ascii") for value in ready]
    if attribute in _PREVIEWS:
        return [string(summary.preview.encode("utf-8")) for summary in ready]
    return ready


def _column(plan: FetchPlan, rows: Rows, column: Column) -> list[Any]:
    at = plan.columns.index(column) + 1  # a row begins with the message id
    return [row[at] for row in rows]


def _at(column: array[int], places: Sequence[int]) -> Sequence[int]:
    if isinstance(places, range):
        return column[places.start : places.stop]
    return [column[place] for place in places]


def modseqs(view: Selected, places: Iterable[int]) -> list[bytes]:
    """`(12345)` for each place (RFC 7162 section 3.1.4.2)."""
    column = view.snapshot.modseqs
    return [b"(%d)" % column[place] for place in places]


def flag_lists(view: Selected, places: Sequence[int]) -> list[bytes]:
    """`(\\Seen keyword)` for each place."""
    snapshot, recent = view.snapshot, view.recent_places()
    system, ids, words = snapshot.system_flags, snapshot.keyword_ids, snapshot.keyword_sets
    if len(words) == 1:  # nobody has used a keyword: the lists are ready
        if not recent:
            return list(map(_SYSTEM_LISTS.__getitem__, _at(system, places)))
        if len(recent) == 1:
            return _lists_around(system, places, recent[0])
    return [
        flags_of(system[place], words[ids[place]], recent=any(place in run for run in recent))
        for place in places
    ]


def _lists_around(system: array[int], places: Sequence[int], recent: range) -> list[bytes]:
    """Lists of messages without keywords; those of one run are recent."""
    if not isinstance(places, range):
        return [(_RECENT_LISTS if place in recent else _SYSTEM_LISTS)[system[place]] for place in places]
    start = min(max(places.start, recent.start), places.stop)
    stop = max(min(places.stop, recent.stop), start)
    return [
        *map(_SYSTEM_LISTS.__getitem__, system[places.start : start]),
        *map(_RECENT_LISTS.__getitem__, system[start:stop]),
        *map(_SYSTEM_LISTS.__getitem__, system[stop : places.stop]),
    ]


def seen_tails(plan: FetchPlan, view: Selected, batch: Batch) -> list[bytes]:
    """RFC 9051 section 6.4.5: flags that the command itself changed belong into its responses."""
    tails = [b""] * len(batch.uids)
    if not plan.shows_flags:
        tails = [b" FLAGS " + flags for flags in flag_lists(view, batch.places)]
    if batch.tells_modseq and not plan.shows_modseq:
        told = modseqs(view, batch.places)
        tails = [tail + b" MODSEQ " + modseq for tail, modseq in zip(tails, told, strict=True)]
    return [tail if uid in batch.newly_seen else b"" for uid, tail in zip(batch.uids, tails, strict=True)]


def _sections(item: Item, plan: FetchPlan, batch: Batch) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """What announces each literal, and the octets of each."""
    section = item.section
    assert section is not None
    if item.is_whole and item.partial is None:
        return list(map(b"{%d}\r\n".__mod__, map(len, batch.octets))), batch.octets
    found: list[bytes | None]
    if item.is_whole:
        found = list(batch.octets)
    else:
        pairs = zip(_column(plan, batch.rows, Column.PARTS), batch.octets, strict=True)
        found = [section_octets(section, parts.unpack(index), octets) for index, octets in pairs]
    if item.partial is not None:
        found = [None if octets is None else cut(octets, item.partial) for octets in found]
    heads = [b"NIL" if octets is None else b"{%d}\r\n" % len(octets) for octets in found]
    return heads, [octets or b"" for octets in found]


def _literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)
