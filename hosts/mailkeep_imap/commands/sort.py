"""SORT and UID SORT, with extended results (RFC 5267)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.search import SearchReturn
from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep_imap.commands.search import Run, check_charset
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.results import check_options, extended
from mailkeep_imap.searching.sorting import OFFERED, in_order

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


_OF_SEARCH = {SearchReturn.SAVE, SearchReturn.CONTEXT, SearchReturn.UPDATE}  # CONTEXT=SORT is not offered


async def sort(session: Session, command: Sort) -> Done:
    """RFC 5256 section 3. SAVE is SEARCH's alone (RFC 5182 section 2.1)."""
    options = command.options
    check_options(options, command.tag)
    if options is not None and not _OF_SEARCH.isdisjoint(options.items):
        raise ImapSyntaxError("Only a SEARCH can be saved or followed.", command.tag)
    if not OFFERED.issuperset(one.field for one in command.criteria):
        raise ImapSyntaxError("That sort criterion is not offered here.", command.tag)
    check_charset(session, command.charset, command.tag)
    run = Run(session, command.keys, uid=command.uid)
    places = await run.find()
    ordered = await in_order(places, command.criteria, run.columns, session.host.store.messages)
    found, modseq = run.numbers_of(ordered), run.modseq_of(ordered)
    if options is None:
        session.send(SearchData(found, modseq, sort=True).encode())
    else:
        session.send(extended(command, options, found, modseq).encode())
    return Done("SORT completed.")
