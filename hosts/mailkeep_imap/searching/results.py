"""What SEARCH and SORT return when they are asked for more than a list of numbers (RFC 4731, RFC 5267)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailkeep.imap.commands.multisearch import MultiSearch
from mailkeep.imap.commands.search import PartialRange, Search, SearchOptions, SearchReturn
from mailkeep.imap.commands.search_keys import FuzzyKey, SearchKey, every_key
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import EsearchData
from mailkeep.model.uids import UidSet

_SHOWN = {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.ALL, SearchReturn.COUNT}
_TOLD = _SHOWN | {SearchReturn.RELEVANCY}


def check_options(options: SearchOptions | None, keys: Iterable[SearchKey], tag: str) -> None:
    """Raises ImapSyntaxError for RELEVANCY without FUZZY (RFC 6203 section 4), and for ALL beside PARTIAL
    (RFC 9394 section 3.1)."""
    if options is not None and SearchReturn.RELEVANCY in options.items and not is_fuzzy(keys):
        raise ImapSyntaxError("RELEVANCY is of a search with FUZZY.", tag)
    if options is not None and options.partial is not None and SearchReturn.ALL in options.items:
        raise ImapSyntaxError("RETURN takes either ALL or PARTIAL.", tag)


def is_fuzzy(keys: Iterable[SearchKey]) -> bool:
    """True if FUZZY is among the keys."""
    return any(isinstance(key, FuzzyKey) for key in every_key(keys))


def scored(places: Sequence[int], options: SearchOptions | None) -> Sequence[int]:
    """Those whose relevancy is told: with PARTIAL only the ones within it."""
    if options is None or SearchReturn.RELEVANCY not in options.items:
        return ()
    return places if options.partial is None else options.partial.cut(places)


def shows(options: SearchOptions) -> bool:
    """True if an ESEARCH response is asked for: SAVE and UPDATE alone want none (RFC 5182 section 2.1)."""
    silent = bool(options.items) and not _TOLD.intersection(options.items)
    return options.partial is not None or not silent


def extended(
    command: Search | Sort | MultiSearch,
    options: SearchOptions,
    found: Sequence[int],
    modseq: int | None,
    relevancy: tuple[int, ...] = (),
) -> EsearchData:
    """RFC 4731 section 3.1: without results MIN, MAX and ALL are left out, and COUNT is 0. SORT's `found` is
    in its order, and the first and the last of that are MIN and MAX (RFC 5267 section 3.1)."""
    items = _SHOWN.intersection(options.items)
    if not items and options.partial is None:
        items = {SearchReturn.ALL}
    everything = found if found and SearchReturn.ALL in items else ()
    is_sorted = isinstance(command, Sort)
    return EsearchData(
        tag=command.tag,
        uid=command.uid,
        minimum=found[0] if found and SearchReturn.MIN in items else None,
        maximum=found[-1] if found and SearchReturn.MAX in items else None,
        all=UidSet.of(everything) if everything and not is_sorted else None,
        count=len(found) if SearchReturn.COUNT in items else None,
        modseq=modseq,
        partial=_window(options.partial, found, is_sorted=is_sorted),
        in_order=tuple(everything) if is_sorted else (),
        relevancy=relevancy,
    )


def _window(
    partial: PartialRange | None, found: Sequence[int], *, is_sorted: bool
) -> tuple[str, UidSet | tuple[int, ...] | None] | None:
    if partial is None:
        return None
    held = partial.cut(found)
    return str(partial), tuple(held) if is_sorted else UidSet.of(held)


def returned(places: Sequence[int], options: SearchOptions) -> Iterable[int]:
    """What is saved (RFC 5182 section 2.4, RFC 9394 section 3.2), and what MODSEQ is of (RFC 4731 section
    3.2): MIN, MAX and PARTIAL alone stand only for what they show."""
    items = set(options.items)
    shown_alone = options.partial is not None or items & {SearchReturn.MIN, SearchReturn.MAX}
    if not places or items & {SearchReturn.ALL, SearchReturn.COUNT} or not shown_alone:
        return places
    kept = [places[0]] if SearchReturn.MIN in items else []
    kept += [places[-1]] if SearchReturn.MAX in items else []
    return [*kept, *(options.partial.cut(places) if options.partial is not None else ())]
