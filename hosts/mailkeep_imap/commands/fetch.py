"""FETCH and UID FETCH.

The messages are chosen, and their numbers fixed, when the command begins; sequence numbers cannot change
while it runs (RFC 9051 section 7.5.1). What others expunge meanwhile is left out and the answer then says
EXPUNGEISSUED. What is sent is bounded by what the client takes: a batch is read when the one before is out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from mailkeep.errors import NotFound
from mailkeep.imap.commands.fetch import Fetch
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.model.flags import FlagAction, Flags, SystemFlag
from mailkeep.model.message import HEADER_KEPT
from mailkeep.model.rights import SEEN
from mailkeep.model.uids import UidSet
from mailkeep_imap.codes import ExpungeIssued
from mailkeep_imap.fetching.batch import NOTHING_READY, Batch, Ready, Rows, render, values_of_rows
from mailkeep_imap.fetching.large import LARGE, LargeMessage, part_index
from mailkeep_imap.fetching.plan import FetchPlan, make_plan
from mailkeep_imap.messages import catch_up, places_in
from mailkeep_imap.outcome import Done
from mailkeep_imap.selected import Selected
from mailkeep_imap.vanished import earlier

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

BATCH = 1000  # messages from the snapshot or by columns of their rows
GONE = -1  # the place of a message that was expunged meanwhile
BATCH_OCTETS = 1024 * 1024  # of remembered values that are rendered together
OCTETS_BATCH = 100  # messages whose rows are held while their octets are read
_SEEN = Flags(SystemFlag.SEEN)

T = TypeVar("T")


async def fetch(session: Session, command: Fetch) -> Done:
    """RFC 9051 section 6.4.5."""
    plan = make_plan(command, session.view.fetch_word)
    if command.vanished and not session.qresync:  # RFC 7162 section 3.2.6
        raise ImapSyntaxError("QRESYNC has to be enabled first.", command.tag)
    if plan.shows_modseq:
        session.enable_condstore()
    if command.vanished and command.changed_since is not None and not command.messages.saved:
        # "*" may have gone: what was the highest UID counts, not what is
        named = command.messages.resolve_uids(session.view.uidnext - 1)
        session.send(await earlier(session, named, command.changed_since))
    places, missed = places_in(session, command.messages, uid=command.uid)
    wanted: Sequence[int] = places
    if command.partial is not None:  # RFC 9394 section 3.4: first these, then what changed of them
        wanted = command.partial.cut(places)
    run = FetchRun(session, plan, _changed_since(session.view, wanted, command.changed_since))
    await run.mark_seen()
    await run.send()
    if run.missed and command.uid:  # RFC 9051 section 6.4.9: a UID that is not there is no error
        return Done("Some of the messages are gone.", b"EXPUNGEISSUED")
    if missed or run.missed:
        raise ExpungeIssued("Some of the messages are gone.")
    return Done("FETCH completed.")


def _changed_since(view: Selected, places: Sequence[int], modseq: int | None) -> Sequence[int]:
    """RFC 7162 section 3.1.4.1."""
    if modseq is None:
        return places
    return [place for place in places if view.snapshot.modseqs[place] > modseq]


class FetchRun:
    """One FETCH at work. The three arrays hold what was chosen, in order."""

    __slots__ = (
        "_ids",
        "_modseq",
        "_newly_seen",
        "_numbers",
        "_places",
        "_plan",
        "_save_dates",
        "_session",
        "_sizes",
        "_uids",
        "_view",
        "missed",
    )

    def __init__(self, session: Session, plan: FetchPlan, places: Sequence[int]) -> None:
        view, snapshot = session.view, session.view.snapshot
        self._session = session
        self._view: Selected = view
        self._plan = plan
        self._places: Sequence[int] = _as_run(places)
        self._numbers = view.sequences_at(self._places)
        self._uids = _taken(snapshot.uids, self._places)
        self._ids = _taken(snapshot.message_ids, self._places)
        self._sizes = _taken(snapshot.sizes, self._places)
        self._modseq = snapshot.highestmodseq
        self._newly_seen: frozenset[int] = frozenset()
        self._save_dates: Mapping[int, int] = {}
        self.missed = False

    async def mark_seen(self) -> None:
        """Set \\Seen on what is about to be read, in one commit."""
        view = self._view
        if not self._plan.marks_seen or view.read_only or SEEN not in view.rights:
            return
        flags = view.snapshot.system_flags
        unseen = UidSet.of(
            uid
            for uid, place in zip(self._uids, self._places, strict=True)
            if not flags[place] & SystemFlag.SEEN
        )
        if unseen:
            committer = self._session.host.store.committer
            stored = await committer.store_flags(view.mailbox_id, unseen, FlagAction.ADD, _SEEN)
            await catch_up(self._session, stored.modseq)
            view.settle_flagged(stored.modseq, stored.changed)
            self._newly_seen = frozenset(stored.changed)

    async def send(self) -> None:
        """All responses, as fast as the client takes them."""
        size = OCTETS_BATCH if self._plan.needs_octets and self._plan.columns else BATCH
        for start, end in self._slices(size):
            if self._plan.shows_save_date:
                messages = self._session.host.store.messages
                self._save_dates = await messages.save_dates(self._view.mailbox_id, self._uids[start:end])
            if self._plan.needs_octets:
                await self._send_octets(start, end)
            elif self._plan.columns:
                await self._send_rows(start, end)
            else:
                self._send_batch(range(start, end))
                await asyncio.sleep(0)  # others get their turn between batches
            await self._session.output.make_room()

    def _slices(self, size: int) -> Iterator[tuple[int, int]]:
        """Runs of at most `size` messages. Where octets are read no message occurs twice in one, as it does
        after a COPY into the same mailbox."""
        if not self._plan.needs_octets or len(set(self._ids)) == len(self._ids):
            for start in range(0, len(self._ids), size):
                yield start, min(start + size, len(self._ids))
            return
        start, seen = 0, set[int]()
        for at, message_id in enumerate(self._ids):
            if at - start == size or message_id in seen:
                yield start, at
                start, seen = at, set()
            seen.add(message_id)
        if start < len(self._ids):
            yield start, len(self._ids)

    # --- from rows ------------------------------------------------------------------------------

    async def _rows(self, start: int, end: int) -> AsyncIterator[tuple[Sequence[int], Rows]]:
        """Positions and their rows in order; what is gone is left out."""
        messages = self._session.host.store.messages
        at = start
        async for rows in messages.rows(self._ids[start:end], self._plan.columns):
            positions = _places_of([row[0] for row in rows], self._ids, at)
            at = self._passed(positions, at)
            yield positions, rows
        self.missed = self.missed or at < end

    def _passed(self, positions: Sequence[int], at: int) -> int:
        """Where to go on behind these; those between that are not among them are gone."""
        self.missed = self.missed or positions[-1] - at >= len(positions)
        return positions[-1] + 1

    async def _send_rows(self, start: int, end: int) -> None:
        """First those whose values are remembered, then what has to be read."""
        kinds = self._plan.kinds
        known = self._session.host.ready.known(kinds, self._ids[start:end])
        read_from = start + len(known[0])
        await self._send_known(range(start, read_from), dict(zip(kinds, known, strict=True)))
        if read_from < end:
            async for positions, rows in self._rows(read_from, end):
                await self._send_read(positions, rows)
                await self._session.output.make_room()

    async def _send_known(self, positions: range, known: Mapping[Hashable, Sequence[bytes]]) -> None:
        octets = sum(sum(map(len, values)) for values in known.values())
        step = len(positions) * BATCH_OCTETS // max(octets, BATCH_OCTETS) or 1
        for at in range(0, len(positions), step):
            part = {kind: values[at : at + step] for kind, values in known.items()}
            self._send_batch(positions[at : at + step], ready=part)
            await self._session.output.make_room()
            await asyncio.sleep(0)  # others get their turn between batches

    async def _send_read(self, positions: Sequence[int], rows: Rows) -> None:
        column = self._plan.header_column
        if not column or max(len(row[column]) for row in rows) < HEADER_KEPT:
            self._send_found(positions, rows)
            return
        for position, row in zip(positions, rows, strict=True):
            if len(row[column]) >= HEADER_KEPT:  # the rest of the header opens the body
                await self._send_large(position, row)
            else:
                self._send_found((position,), (row,))

    def _send_found(self, positions: Sequence[int], rows: Rows) -> None:
        ready = values_of_rows(self._plan, rows)
        ids = [row[0] for row in rows]
        for kind, values in ready.items():
            self._session.host.ready.remember(kind, ids, values)
        self._send_batch(positions, ready=ready)

    # --- with octets ----------------------------------------------------------------------------

    async def _send_octets(self, start: int, end: int) -> None:
        if not self._plan.columns:
            await self._send_sized(range(start, end), ())
            return
        async for positions, rows in self._rows(start, end):
            await self._send_sized(positions, rows)

    async def _send_sized(self, positions: Sequence[int], rows: Rows) -> None:
        """Large ones by themselves, what is between them together."""
        at = 0
        for place, size in enumerate(_taken(self._sizes, positions)):
            if size > LARGE:
                await self._send_small(positions[at:place], rows[at:place])
                await self._send_large(positions[place], rows[place] if rows else ())
                at = place + 1
        await self._send_small(positions[at:], rows[at:])

    async def _send_small(self, positions: Sequence[int], rows: Rows) -> None:
        ids, sizes = _taken(self._ids, positions), _taken(self._sizes, positions)
        messages, at = self._session.host.store.messages, 0
        async with aclosing(messages.body_batches(ids, sizes)) as batches:
            async for batch in batches:
                places = _places_of([message_id for message_id, _ in batch], ids, at)
                at = self._passed(places, at)
                octets = [octets for _, octets in batch]
                self._send_batch(_taken(positions, places), _taken(rows, places) if rows else (), octets)
                await self._session.output.make_room()
        self.missed = self.missed or at < len(ids)

    async def _send_large(self, position: int, row: Sequence[Any]) -> None:
        messages = self._session.host.store.messages
        batch = self._batch((position,), rows=(row,))
        try:
            body = await messages.body(self._ids[position])
            index = await part_index(messages, self._ids[position])
        except NotFound:
            index = None
        if index is None or not batch.uids:
            self.missed = True
            return
        output = self._session.output
        await LargeMessage(self._plan, self._view, batch, body=body, index=index, output=output).send()

    # --- out ------------------------------------------------------------------------------------

    def _send_batch(
        self,
        positions: Sequence[int],
        rows: Rows = (),
        octets: Sequence[bytes] = (),
        ready: Ready = NOTHING_READY,
    ) -> None:
        batch = self._batch(positions, rows, octets, ready)
        if batch.uids:
            self._session.send(render(self._plan, self._view, batch))

    def _batch(
        self,
        positions: Sequence[int],
        rows: Rows = (),
        octets: Sequence[bytes] = (),
        ready: Ready = NOTHING_READY,
    ) -> Batch:
        """The messages at these positions that are still there, with their places as they are now."""
        snapshot = self._view.snapshot
        if snapshot.highestmodseq != self._modseq:
            self._modseq = snapshot.highestmodseq
            found = (snapshot.index(uid) for uid in self._uids)
            self._places = [GONE if place is None else place for place in found]
        kept: Sequence[int] = range(len(positions))
        if not isinstance(self._places, range):
            kept = [at for at, position in enumerate(positions) if self._places[position] != GONE]
        if self._plan.shows_save_date:  # the database may have lost a message before the snapshot did
            kept = [at for at in kept if self._uids[positions[at]] in self._save_dates]
        if len(kept) < len(positions):
            self.missed = True
            positions = [positions[at] for at in kept]
            rows = [rows[at] for at in kept] if rows else ()
            octets = [octets[at] for at in kept] if octets else ()
            ready = {kind: [values[at] for at in kept] for kind, values in ready.items()}
        return Batch(
            _taken(self._numbers, positions),
            _taken(self._uids, positions),
            _taken(self._places, positions),
            rows,
            octets,
            ready,
            self._newly_seen,
            self._save_dates,
            self._session.condstore,
        )


def _places_of(found: Sequence[int], ids: Sequence[int], at: int) -> Sequence[int]:
    """Where in `ids`, from `at` on, those are that were found: in its order, but some may be gone."""
    if found == list(ids[at : at + len(found)]):
        return range(at, at + len(found))
    places = []
    for message_id in found:
        at = ids.index(message_id, at)
        places.append(at)
        at += 1
    return places


def _as_run(places: Sequence[int]) -> Sequence[int]:
    """Ascending places as a range if none is left out, as in most commands."""
    if places and places[-1] - places[0] == len(places) - 1:
        return range(places[0], places[-1] + 1)
    return places


def _taken(column: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    """The values at places."""
    if isinstance(places, range):
        return column[places.start : places.stop]
    return [column[place] for place in places]
