"""Message sequence numbers over a snapshot that moves: RFC 9051 sections 2.3.1.2 and 7.5.1."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.model.uids import UidSet
from mailkeep.storage.snapshot import Change, Snapshot, SnapshotEntry
from mailkeep_imap.recent import RecentLedger
from mailkeep_imap.selected import FLAGGED_KEPT, Selected

SEEN = Flags(SystemFlag.SEEN)


class Mailbox:
    """Moves a snapshot as the store does: apply, record, tell."""

    def __init__(self, messages: int = 0) -> None:
        self.snapshot = Snapshot(mailbox_id=7, uidvalidity=1, uidnext=1, highestmodseq=1)
        if messages:
            self.append(messages)

    def append(self, count: int = 1) -> None:
        modseq, first = self.snapshot.highestmodseq + 1, self.snapshot.uidnext
        for uid in range(first, first + count):
            self.snapshot.append(SnapshotEntry(uid, uid + 100, Flags(), modseq, 10, 0))
        self._advance(Change(modseq, appended=UidSet.of(range(first, first + count))))

    def flag(self, uids: Iterable[int], flags: Flags = SEEN) -> int:
        modseq, marked = self.snapshot.highestmodseq + 1, UidSet.of(uids)
        for uid in marked:
            self.snapshot.set_flags(uid, flags, modseq)
        self._advance(Change(modseq, flagged=marked))
        return modseq

    def expunge(self, uids: Iterable[int]) -> None:
        gone = UidSet.of(uids)
        self.snapshot.remove(gone)
        self._advance(Change(self.snapshot.highestmodseq + 1, expunged=gone))

    def _advance(self, change: Change) -> None:
        self.snapshot.advance(change)
        self.snapshot.notify()

    def select(self, ledger: RecentLedger | None = None, *, read_only: bool = False) -> Selected:
        return Selected(self.snapshot, "INBOX", read_only=read_only, ledger=ledger or RecentLedger())


def uids_of(view: Selected, low: int, high: int) -> list[int]:
    places, _ = view.places_of_sequences([(low, high)])
    return [view.snapshot.uids[place] for place in places]


def test_numbers_stay_while_an_expunge_is_unreported() -> None:
    mailbox = Mailbox(5)
    view = mailbox.select()
    mailbox.expunge([2, 3])
    assert view.exists == 5
    assert uids_of(view, 4, 5) == [4, 5]
    assert view.sequence_of(4) == 4
    gone, missed = view.places_of_sequences([(2, 2)])
    assert (list(gone), missed) == ([], True)
    there, missed = view.places_of_sequences([(1, 1)])
    assert (list(there), missed) == ([0], False)


def test_expunges_are_told_highest_first_and_then_the_numbers_close_up() -> None:
    mailbox = Mailbox(5)
    view = mailbox.select()
    mailbox.expunge([2, 4])
    assert view.take_updates(expunges=False).expunged == ()
    told = view.take_updates(expunges=True)
    assert told.expunged == (4, 2)
    assert told.vanished == UidSet.of([2, 4])
    assert uids_of(view, 1, 3) == [1, 3, 5]
    assert not view.pending()


def test_a_message_that_comes_and_goes_unseen_is_never_mentioned() -> None:
    mailbox = Mailbox(1)
    view = mailbox.select()
    mailbox.append()
    mailbox.expunge([2])
    told = view.take_updates(expunges=True)
    assert (told.expunged, told.exists) == ((), None)


def test_exists_counts_ghosts_while_they_are_unreported() -> None:
    mailbox = Mailbox(3)
    view = mailbox.select()
    mailbox.expunge([1])
    mailbox.append(2)
    assert view.take_updates(expunges=False).exists == 5
    assert uids_of(view, 2, 5) == [2, 3, 4, 5]


def test_new_messages_are_unknown_until_exists_is_told() -> None:
    mailbox = Mailbox(2)
    view = mailbox.select()
    mailbox.append()
    assert view.exists == 2
    assert view.highest_uid() == 2
    assert view.sequence_of(3) is None
    assert list(view.places_of_uids([(1, 99)])) == [0, 1]


def test_the_highest_uid_may_be_that_of_a_ghost() -> None:
    mailbox = Mailbox(2)
    view = mailbox.select()
    mailbox.expunge([2])
    assert view.highest_uid() == 2
    assert list(view.places_of_uids([(2, 2)])) == []


def test_flag_changes_of_others_are_told_once_with_the_present_number() -> None:
    mailbox = Mailbox(3)
    view = mailbox.select()
    mailbox.flag([3])
    mailbox.flag([2, 3])
    mailbox.expunge([1])
    assert view.take_updates(expunges=False).flagged == ((2, 0), (3, 1))
    assert view.take_updates(expunges=True).expunged == (1,)


def test_own_silent_change_is_not_told_but_that_of_another_session_is() -> None:
    mailbox = Mailbox(3)
    view = mailbox.select()
    mailbox.flag([1], Flags(SystemFlag.ANSWERED))
    modseq = mailbox.flag([1, 2])
    view.settle_flagged(modseq, UidSet.of([1, 2]))
    assert view.take_updates(expunges=False).flagged == ((1, 0),)


def test_many_flag_changes_are_merged() -> None:
    mailbox = Mailbox(2)
    view = mailbox.select()
    for _ in range(FLAGGED_KEPT * 3):
        mailbox.flag([1])
    assert view.take_updates(expunges=False).flagged == ((1, 0),)


def test_a_listener_hears_of_every_change_until_the_view_is_closed() -> None:
    mailbox = Mailbox()
    view = mailbox.select()
    heard: list[bool] = []
    view.changed = lambda: heard.append(view.pending())
    mailbox.append()
    view.close()
    mailbox.append()
    assert heard == [True]


def test_a_reload_after_a_gap_is_told_as_one_change() -> None:
    mailbox = Mailbox(4)
    view = mailbox.select()
    rows = [(2, 102, 1, (), 9, 10, 0), (4, 104, 0, (), 2, 10, 0), (6, 106, 0, (), 8, 10, 0)]
    fresh = Snapshot(mailbox_id=7, uidvalidity=1, uidnext=7, highestmodseq=9)
    fresh.load(rows)
    mailbox.snapshot.replace(fresh)
    mailbox.snapshot.notify()
    told = view.take_updates(expunges=True)
    assert (told.expunged, told.exists) == ((3, 1), 3)
    assert told.flagged == ((1, 0),)


# --- \Recent, RFC 3501 section 2.3.2 ---------------------------------------------------------------


def test_recent_belongs_to_the_first_session_that_is_told() -> None:
    mailbox, ledger = Mailbox(2), RecentLedger()
    first, second = mailbox.select(ledger), mailbox.select(ledger)
    assert (first.recent_count(), second.recent_count()) == (2, 0)
    mailbox.append()
    assert second.take_updates(expunges=True).recent == 1
    assert first.take_updates(expunges=True).recent == 2
    assert second.is_recent(3)
    assert not first.is_recent(3)


def test_examine_takes_recent_from_nobody() -> None:
    mailbox, ledger = Mailbox(2), RecentLedger()
    assert mailbox.select(ledger, read_only=True).recent_count() == 2
    assert mailbox.select(ledger).recent_count() == 2
    assert mailbox.select(ledger).recent_count() == 0


def test_the_ledger_is_bounded() -> None:
    ledger = RecentLedger(limit=2)
    for mailbox_id in (1, 2, 3):
        ledger.claim(mailbox_id, 10)
    assert [ledger.untold(mailbox_id) for mailbox_id in (1, 2, 3)] == [1, 10, 10]


# --- against a client that keeps its own list ------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4)),
        st.tuples(st.just("expunge"), st.sets(st.integers(1, 30), min_size=1, max_size=6)),
        st.tuples(st.just("flag"), st.sets(st.integers(1, 30), min_size=1, max_size=6)),
        st.tuples(st.just("tell"), st.booleans()),
    ),
    max_size=40,
)


@given(steps)
def test_a_client_that_follows_the_updates_agrees_with_the_view(script: list[tuple[str, object]]) -> None:
    """The client appends at EXISTS and removes at EXPUNGE; its numbers must mean what the view's do."""
    mailbox = Mailbox(5)
    view = mailbox.select()
    client: list[int | None] = list(mailbox.snapshot.uids)
    for kind, argument in [*script, ("tell", True)]:
        present = set(mailbox.snapshot.uids)
        if kind == "append":
            mailbox.append(argument)  # type: ignore[arg-type]
        elif kind == "expunge":
            if present & argument:  # type: ignore[operator]
                mailbox.expunge(present & argument)  # type: ignore[operator]
        elif kind == "flag":
            if present & argument:  # type: ignore[operator]
                mailbox.flag(present & argument)  # type: ignore[operator]
        else:
            follow(client, view, expunges=bool(argument))
        check(client, view)
    assert client == list(mailbox.snapshot.uids)


def follow(client: list[int | None], view: Selected, *, expunges: bool) -> None:
    told = view.take_updates(expunges=expunges)
    for number in told.expunged:
        del client[number - 1]
    if told.exists is not None:
        assert told.exists > len(client)
        client.extend([None] * (told.exists - len(client)))
    for number in range(1, len(client) + 1):  # FETCH 1:* (UID)
        if client[number - 1] is None:
            (uid,) = uids_of(view, number, number)
            client[number - 1] = uid
    for number, place in told.flagged:
        assert client[number - 1] == view.snapshot.uids[place]


def check(client: list[int | None], view: Selected) -> None:
    assert view.exists == len(client)
    for number, uid in enumerate(client, 1):
        assert uid is not None
        places, missed = view.places_of_sequences([(number, number)])
        gone = view.snapshot.index(uid) is None
        assert missed is gone
        assert [view.snapshot.uids[place] for place in places] == ([] if gone else [uid])
        assert view.sequence_of(uid) == (None if gone else number)


@pytest.mark.parametrize("ranges", [[(1, 3)], [(2, 2), (1, 3)], [(3, 5), (1, 4)]])
def test_overlapping_ranges_name_each_message_once(ranges: list[tuple[int, int]]) -> None:
    view = Mailbox(5).select()
    places, _ = view.places_of_sequences(ranges)
    assert list(places) == sorted(set(places))
    assert list(view.places_of_uids(ranges)) == list(places)
