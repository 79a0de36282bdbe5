"""SORT and UID SORT, with extended results (RFC 5267)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.search import SearchReturn
from mailkeep.imap.commands.sort import Sort, SortField
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep_imap.commands.search import Run, check_charset
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.results import check_options, extended, is_fuzzy, returned, scored
from mailkeep_imap.searching.sorting import in_order

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


_OF_SEARCH = {SearchReturn.SAVE, SearchReturn.CONTEXT, SearchReturn.UPDATE}  # CONTEXT=SORT is not offered


async def sort(session: Session, command: Sort) -> Done:
    """RFC 5256 section 3. SAVE is SEARCH's alone (RFC 5182 section 2.1)."""
    options = command.options
    check_options(options, command.keys, command.tag)
    if options is not None and not _OF_SEARCH.isdisjoint(options.items):
        raise ImapSyntaxError("Only a SEARCH can be saved or followed.", command.tag)
    by_relevancy = any(one.field is SortField.RELEVANCY for one in command.criteria)
    if by_relevancy and not is_fuzzy(command.keys):  # RFC 6203 section 5
        raise ImapSyntaxError("RELEVANCY is of a search with FUZZY.", command.tag)
    check_charset(session, command.charset, command.tag)
    run = Run(session, command.keys, uid=command.uid)
    places = await run.find()
    scores = dict(zip(places, await run.relevancies(places), strict=True)) if by_relevancy else {}
    ordered = await in_order(places, command.criteria, run.columns, session.host.store.messages, scores)
    found = run.numbers_of(ordered)
    if options is None:
        session.send(SearchData(found, run.modseq_of(ordered), sort=True).encode())
    else:
        relevancy = await run.relevancies(scored(ordered, options))
        modseq = run.modseq_of(returned(ordered, options))
        session.send(extended(command, options, found, modseq, relevancy).encode())
    return Done("SORT completed.")
