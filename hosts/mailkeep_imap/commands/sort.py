"""SORT and UID SORT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep_imap.commands.search import Run
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.sorting import OFFERED, in_order

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def sort(session: Session, command: Sort) -> Done:
    """RFC 5256 section 3."""
    if command.options is not None or not OFFERED.issuperset(one.field for one in command.criteria):
        raise ImapSyntaxError("That form of SORT is not offered here.", command.tag)
    run = Run(session, command.keys, uid=command.uid)
    places = await run.find()
    ordered = await in_order(places, command.criteria, run.columns, session.host.store.messages)
    session.send(SearchData(run.numbers_of(ordered), run.modseq_of(ordered), sort=True).encode())
    return Done("SORT completed.")
