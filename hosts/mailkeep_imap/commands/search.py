"""SEARCH and UID SEARCH, with extended results (RFC 4731) and saved ones (RFC 5182)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mailkeep.imap.commands.search import Search, SearchOptions, SearchReturn
from mailkeep.imap.commands.search_keys import ModseqKey, SearchKey, SequenceKey, UidKey, every_key
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import SearchData
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep_imap import contexts
from mailkeep_imap.messages import places_in
from mailkeep_imap.outcome import Done
from mailkeep_imap.searching.columns import Columns
from mailkeep_imap.searching.evaluate import find
from mailkeep_imap.searching.plan import PlacesOf, make_plan, reads_text
from mailkeep_imap.searching.relevancy import relevancies
from mailkeep_imap.searching.results import check_options, extended, returned, scored, shows

if TYPE_CHECKING:
    from mailkeep_imap.selected import Selected
    from mailkeep_imap.session import Session


async def search(session: Session, command: Search) -> Done:
    """RFC 9051 section 6.4.4. Numbers are those of the moment when the command began; they cannot change
    before it has been answered."""
    options = command.options
    check_options(options, command.keys, command.tag)
    if session.utf8 and command.charset is not None:
        raise ImapSyntaxError("The charset is UTF-8: UTF8=ACCEPT has said so.", command.tag)
    updates = options is not None and SearchReturn.UPDATE in options.items
    if updates:
        contexts.require_new(session, command.tag)
    run = Run(session, command.keys, uid=command.uid)
    saves = options is not None and SearchReturn.SAVE in options.items
    if saves:
        session.saved = NO_UIDS  # RFC 5182 section 2.1: what fails leaves an empty result
    places = await run.find()
    found = run.numbers_of(places)
    if options is None and session.rev2:  # RFC 9051 section 6.4.4
        options = SearchOptions()
    if options is None:
        session.send(SearchData(found, run.modseq_of(places)).encode())
        return Done("SEARCH completed.")
    if saves:
        session.saved = UidSet.of(run.columns.uids[place] for place in returned(places, options))
    if shows(options):
        relevancy = await run.relevancies(scored(places, options))
        modseq = run.modseq_of(returned(places, options))
        session.send(extended(command, options, found, modseq, relevancy).encode())
    if updates:
        contexts.follow(session, command, run, places)
    return Done("SEARCH completed.")


class Run:
    """One search at work, for SEARCH and SORT. What sets and numbers mean is fixed when it is made."""

    __slots__ = (
        "_host",
        "_numbers",
        "_plan",
        "_with_modseq",
        "columns",
        "keys",
        "modseq",
        "places_of",
        "saved",
    )

    def __init__(
        self,
        session: Session,
        keys: Sequence[SearchKey],
        *,
        uid: bool,
        view: Selected | None = None,
        places_of: PlacesOf | None = None,
    ) -> None:
        view = view or session.view
        self._with_modseq = mentions_modseq(keys)
        if self._with_modseq:
            session.enable_condstore()
        self.keys = keys
        self.saved = session.saved  # what `$` means among the keys, also when its result takes that place
        self.places_of: PlacesOf = places_of or (lambda key: _places_of(session, key))
        self._plan = make_plan(keys, self.places_of)
        self._host = session.host
        self.columns = Columns(view, time.time())
        self.modseq = view.snapshot.highestmodseq
        everything = range(len(self.columns))
        self._numbers = self.columns.uids if uid else view.sequences_at(everything)

    async def find(self) -> Sequence[int]:
        """Places of the messages that match."""
        store, indexing = self._host.store, self._host.indexing
        if not reads_text(self._plan):
            return await find(self._plan, self.columns, store.messages, store.texts)
        with indexing.precedence.first():
            found = await find(self._plan, self.columns, store.messages, store.texts)
        indexing.wanted(self.columns.mailbox_id)
        return found

    async def relevancies(self, places: Sequence[int]) -> tuple[int, ...]:
        """How well each of these places matches (RFC 6203 section 4)."""
        return await relevancies(self._plan, self.columns, places, self._host.store.messages)

    def numbers_of(self, places: Iterable[int]) -> tuple[int, ...]:
        """UIDs or sequence numbers."""
        numbers = self._numbers
        if isinstance(numbers, range):
            return tuple([place + numbers.start for place in places])
        return tuple(map(numbers.__getitem__, places))

    def modseq_of(self, places: Iterable[int]) -> int | None:
        """The highest of what was found, if MODSEQ was asked for (RFC 7162 section 3.1.5)."""
        if not self._with_modseq:
            return None
        return max((self.columns.modseqs[place] for place in places), default=None)


def check_charset(session: Session, charset: str, tag: str) -> None:
    """RFC 6855 section 3, for SORT and THREAD, which always name one. Raises ImapSyntaxError."""
    if session.utf8 and charset != "UTF-8":
        raise ImapSyntaxError("The charset is UTF-8: UTF8=ACCEPT has said so.", tag)


def mentions_modseq(keys: Iterable[SearchKey]) -> bool:
    """True if MODSEQ is among the keys (RFC 7162 section 3.1.5)."""
    return any(isinstance(key, ModseqKey) for key in every_key(keys))


def _places_of(session: Session, key: SequenceKey | UidKey) -> Sequence[int]:
    """What a set of messages in a search means now."""
    if isinstance(key, UidKey):
        return places_in(session, key.uids, uid=True)[0]
    return places_in(session, key.messages, uid=False)[0]
