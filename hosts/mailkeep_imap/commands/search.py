"""SEARCH and UID SEARCH."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mailkeep.imap.commands.search import Search
from mailkeep.imap.commands.search_keys import SequenceKey, UidKey
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.indexed import Places
from mailkeep_imap.searching.plan import make_plan
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def search(session: Session, command: Search) -> Done:
    """RFC 9051 section 6.4.4, with the untagged SEARCH of RFC 3501. Numbers are those of the moment when the
    command began; they cannot change before it has been answered."""
    if command.options is not None:
        raise ImapSyntaxError("SEARCH RETURN is not offered here.", command.tag)
    view = session.view
    plan = make_plan(command.keys, lambda key: _places(view, key))
    columns = Columns(view, time.time())
    numbers = columns.uids if command.uid else [view.sequence_at(place) for place in range(len(columns))]
    found = await find(plan, columns, session.host.store.messages)
    session.send(SearchData(tuple(numbers[place] for place in found)).encode())
    return Done("SEARCH completed.")


def _places(view: Selected, key: SequenceKey | UidKey) -> Places:
    if isinstance(key, UidKey):
        return view.places_of_uids(key.uids.resolve_uids(view.highest_uid()).ranges)
    places, _ = view.places_of_sequences(key.messages.resolve_numbers(view.exists).ranges)
    return places
