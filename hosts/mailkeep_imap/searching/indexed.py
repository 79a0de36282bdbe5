"""Search keys that the snapshot answers alone: flags, numbers, dates, sizes. No database, no waiting.

Sequence numbers and UIDs come as places, resolved when the plan was made, because what they mean is bound
to the moment of the command (RFC 9051 section 2.3.1.2).
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import compress

from mailkeep.imap.commands.search_keys import (
    DateKey,
    DateTest,
    KeywordKey,
    KeywordTest,
    ModseqKey,
    NumberKey,
    NumberTest,
    PlainKey,
)
from mailkeep.model.flags import SystemFlag
from mailkeep_imap.searching.columns import Columns

Places = Collection[int]  # ascending; a range where all of them are meant

_FLAG_KEYS = {
    PlainKey.ANSWERED: (SystemFlag.ANSWERED, True),
    PlainKey.DELETED: (SystemFlag.DELETED, True),
    PlainKey.DRAFT: (SystemFlag.DRAFT, True),
    PlainKey.FLAGGED: (SystemFlag.FLAGGED, True),
    PlainKey.SEEN: (SystemFlag.SEEN, True),
    PlainKey.UNANSWERED: (SystemFlag.ANSWERED, False),
    PlainKey.UNDELETED: (SystemFlag.DELETED, False),
    PlainKey.UNDRAFT: (SystemFlag.DRAFT, False),
    PlainKey.UNFLAGGED: (SystemFlag.FLAGGED, False),
    PlainKey.UNSEEN: (SystemFlag.SEEN, False),
}
_TRANSLATIONS = {
    key: bytes(int(bool(octet & flag) is wanted) for octet in range(256))
    for key, (flag, wanted) in _FLAG_KEYS.items()
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlacesKey:
    """A set of messages that has been resolved already: sequence numbers, UIDs or a saved result."""

    places: frozenset[int]


IndexedKey = PlainKey | KeywordKey | DateKey | NumberKey | ModseqKey | PlacesKey
INTERNAL_DATES = frozenset({DateTest.BEFORE, DateTest.ON, DateTest.SINCE})
SAVE_DATES = frozenset({DateTest.SAVEDBEFORE, DateTest.SAVEDON, DateTest.SAVEDSINCE})


def narrow(key: IndexedKey, columns: Columns, places: Places) -> Places:
    """Those of `places` that match the key."""
    match key:
        case PlacesKey(wanted):
            return [place for place in places if place in wanted]
        case PlainKey():
            return _plain(key, columns, places)
        case KeywordKey():
            return _keyword(key, columns, places)
        case DateKey():
            low, high = day_bounds(key)
            dates = columns.internal_dates
            return [place for place in places if low <= dates[place] < high]
        case NumberKey():
            return _number(key, columns, places)
        case ModseqKey():
            modseqs = columns.modseqs
            return [place for place in places if modseqs[place] >= key.modseq]


def _plain(key: PlainKey, columns: Columns, places: Places) -> Places:
    translation = _TRANSLATIONS.get(key)
    if translation is not None:
        return _masked(columns.system_flags.translate(translation), places)
    if key in (PlainKey.RECENT, PlainKey.OLD):
        recent, wanted = columns.recent, key is PlainKey.RECENT
        return [place for place in places if (place in recent) is wanted]
    if key is PlainKey.NEW:  # RFC 3501 section 6.4.4: RECENT and UNSEEN
        return _plain(PlainKey.UNSEEN, columns, _plain(PlainKey.RECENT, columns, places))
    # RFC 8514 section 4.3: every mailbox of ours knows when its messages were saved.
    return places if key in (PlainKey.ALL, PlainKey.SAVEDATESUPPORTED) else ()


def _masked(mask: bytes, places: Places) -> Places:
    if isinstance(places, range) and len(places) == len(mask):
        return list(compress(places, mask))
    return [place for place in places if mask[place]]


def _keyword(key: KeywordKey, columns: Columns, places: Places) -> Places:
    word = key.flag.casefold()
    holding = {
        number
        for number, words in enumerate(columns.keyword_sets)
        if any(word == held.casefold() for held in words)
    }
    ids = columns.keyword_ids
    if key.test is KeywordTest.KEYWORD:
        return [place for place in places if ids[place] in holding]
    return [place for place in places if ids[place] not in holding]


def _number(key: NumberKey, columns: Columns, places: Places) -> Places:
    sizes, dates, number = columns.sizes, columns.internal_dates, key.number
    if key.test is NumberTest.LARGER:
        return [place for place in places if sizes[place] > number]
    if key.test is NumberTest.SMALLER:
        return [place for place in places if sizes[place] < number]
    limit = columns.now - number  # RFC 5032 section 3: seconds before now
    if key.test is NumberTest.OLDER:
        return [place for place in places if dates[place] <= limit]
    return [place for place in places if dates[place] >= limit]


def day_bounds(key: DateKey) -> tuple[float, float]:
    """Unix seconds [low, high). INTERNALDATE and SAVEDATE are shown in UTC, so their days are days of UTC."""
    start, end = _midnight(key.date), _midnight(key.date + _DAY) if key.date < date.max else float("inf")
    if key.test in (DateTest.BEFORE, DateTest.SAVEDBEFORE):
        return float("-inf"), start
    return start, (float("inf") if key.test in (DateTest.SINCE, DateTest.SAVEDSINCE) else end)


def _midnight(day: date) -> float:
    return float(timegm(day.timetuple()))
