"""SORT and UID SORT."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mailkeep.imap.commands.sort import Sort
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep_imap.commands.search import mentions_modseq, places_of
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.plan import make_plan
from mailkeep_imap.searching.sorting import OFFERED, in_order

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def sort(session: Session, command: Sort) -> Done:
    """RFC 5256 section 3."""
    if command.options is not None or not OFFERED.issuperset(one.field for one in command.criteria):
        raise ImapSyntaxError("That form of SORT is not offered here.", command.tag)
    with_modseq = mentions_modseq(command.keys)
    if with_modseq:
        session.enable_condstore()
    view = session.view
    plan = make_plan(command.keys, lambda key: places_of(session, key))
    columns = Columns(view, time.time())
    numbers = columns.uids if command.uid else view.sequences_at(range(len(columns)))
    messages = session.host.store.messages
    ordered = await in_order(await find(plan, columns, messages), command.criteria, columns, messages)
    modseq = max((columns.modseqs[place] for place in ordered), default=0) if with_modseq else 0
    session.send(SearchData(tuple(numbers[place] for place in ordered), modseq or None, sort=True).encode())
    return Done("SORT completed.")
