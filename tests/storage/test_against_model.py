"""Any sequence of writes leaves the store as a plain list of messages would be left.

Hypothesis makes up the sequence; after every step the mailbox read anew, the snapshot moved forward by
the change log, and the counters must all say the same as the model.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.storage.making import at, deliver, inbox_of, new_user, prepared

from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags, SystemFlag
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep.storage.snapshot import Snapshot

uid_sets = st.sets(st.integers(1, 12), max_size=6).map(UidSet.of) | st.builds(
    lambda low, length: UidSet(((low, low + length),)), st.integers(1, 12), st.integers(0, 12)
)
flag_sets = st.builds(
    Flags,
    st.integers(0, 31).map(SystemFlag),
    st.sampled_from([(), ("$Junk",), ("$Junk", "work"), ("Work",)]),
)
boxes = st.sampled_from(["INBOX", "Archive"])


@dataclass
class ModelBox:
    """A mailbox as a list: uid -> (message number, flags)."""

    next: int = 1
    entries: dict[int, tuple[int, Flags]] = field(default_factory=dict)

    def add(self, message: int, flags: Flags) -> None:
        self.entries[self.next] = (message, flags)
        self.next += 1

    def within(self, uids: UidSet) -> list[int]:
        return sorted(uid for uid in self.entries if uid in uids)


class StoreMachine(RuleBasedStateMachine):
    """Runs every rule on the store and on the model."""

    open_settings: ClassVar[Callable[[], StoreSettings]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.model = {"INBOX": ModelBox(), "Archive": ModelBox()}
        self.message_ids: dict[int, int] = {}  # the store's id -> the model's number
        self.count = 0

    def do(self, awaitable: Any) -> Any:
        async def work() -> Any:
            return await awaitable

        return self.runner.run(work())

    @initialize()
    def open(self) -> None:
        self.store: Store = self.do(open_store(type(self).open_settings()))
        user = self.do(new_user(self.store))
        self.account_id = user.account_id
        self.ids = {"INBOX": self.do(inbox_of(self.store, user))}
        self.ids["Archive"] = self.do(self.store.mailboxes.get(user.account_id, "Archive")).id
        self.held: dict[str, Snapshot] = {
            name: self.do(self.store.messages.snapshot(id)) for name, id in self.ids.items()
        }

    @rule()
    def deliver(self) -> None:
        (delivered,) = self.do(deliver(self.store, "alice"))
        assert delivered.uid == self.model["INBOX"].next
        self.count += 1
        self.model["INBOX"].add(self.count, NO_FLAGS)

    @rule(box=boxes, flags=flag_sets, number=st.integers(1, 3))
    def append(self, box: str, flags: Flags, number: int) -> None:
        messages = [NewMessage(prepared(), at(place), flags) for place in range(number)]
        appended = self.do(self.store.committer.append(self.ids[box], messages))
        first = self.model[box].next
        assert appended.uids == tuple(range(first, first + number))
        for _ in range(number):
            self.count += 1
            self.model[box].add(self.count, flags)

    @rule(box=boxes, uids=uid_sets, action=st.sampled_from(FlagAction), flags=flag_sets)
    def store_flags(self, box: str, uids: UidSet, action: FlagAction, flags: Flags) -> None:
        stored = self.do(self.store.committer.store_flags(self.ids[box], uids, action, flags))
        changed = []
        for uid in self.model[box].within(uids):
            message, before = self.model[box].entries[uid]
            after = before.apply(action, flags)
            if after != before:
                changed.append(uid)
                self.model[box].entries[uid] = (message, after)
        assert list(stored.changed) == changed
        assert not stored.modified

    @rule(box=boxes, uids=st.none() | uid_sets, only_deleted=st.booleans())
    def expunge(self, box: str, uids: UidSet | None, only_deleted: bool) -> None:
        expunged = self.do(self.store.committer.expunge(self.ids[box], uids, only_deleted))
        entries = self.model[box].entries
        gone = [
            uid
            for uid in (sorted(entries) if uids is None else self.model[box].within(uids))
            if not only_deleted or entries[uid][1].system & SystemFlag.DELETED
        ]
        assert list(expunged.uids) == gone
        for uid in gone:
            del entries[uid]

    @rule(source=boxes, uids=uid_sets, to=boxes)
    def copy(self, source: str, uids: UidSet, to: str) -> None:
        copied = self.do(self.store.committer.copy(self.ids[source], uids, self.ids[to]))
        assert list(copied.source_uids) == self.model[source].within(uids)
        first = self.model[to].next
        assert list(copied.uids) == list(range(first, first + len(copied.source_uids)))
        for uid in copied.source_uids:
            self.model[to].add(*self.model[source].entries[uid])

    @rule(source=boxes, uids=uid_sets, to=boxes)
    def move(self, source: str, uids: UidSet, to: str) -> None:
        moved, expunged = self.do(self.store.committer.move(self.ids[source], uids, self.ids[to]))
        assert list(expunged.uids) == list(moved.source_uids) == self.model[source].within(uids)
        for uid in moved.source_uids:
            self.model[to].add(*self.model[source].entries[uid])
            del self.model[source].entries[uid]

    @invariant()
    def the_same(self) -> None:
        for name, id in getattr(self, "ids", {}).items():
            held = self.held[name]
            self.do(self.store.messages.refresh(held))
            self.check(name, held)
            mailbox = self.do(self.store.mailboxes.get(self.account_id, name))
            entries = self.model[name].entries.values()
            assert (mailbox.id, mailbox.messages, mailbox.uidnext) == (id, len(held), self.model[name].next)
            assert mailbox.unseen == sum(1 for _, flags in entries if not flags.system & SystemFlag.SEEN)
            assert mailbox.deleted == sum(1 for _, flags in entries if flags.system & SystemFlag.DELETED)
            assert mailbox.size == sum(held.sizes)
            assert mailbox.highestmodseq == held.highestmodseq

    def check(self, name: str, snapshot: Snapshot) -> None:
        model = self.model[name]
        assert list(snapshot.uids) == sorted(model.entries)
        assert snapshot.uidnext == model.next
        for place, uid in enumerate(snapshot.uids):
            message, flags = model.entries[uid]
            assert snapshot.flags_at(place) == flags
            assert self.message_ids.setdefault(snapshot.message_ids[place], message) == message

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.held.clear()  # so that the next look is a fresh read
            for name, id in self.ids.items():
                self.check(name, self.do(self.store.messages.snapshot(id)))
            self.do(self.store.close())
        self.runner.close()


def run_machine(
    open_settings: Callable[[], StoreSettings],
    examples: int,
    steps: int,
    base: type[StoreMachine] = StoreMachine,
) -> None:
    machine = type("Machine", (base,), {"open_settings": staticmethod(open_settings)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_sqlite_behaves_as_the_model(sqlite_template: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:

        def fresh() -> StoreSettings:
            data_dir = tempfile.mkdtemp(dir=directory)
            shutil.copytree(sqlite_template, data_dir, dirs_exist_ok=True)
            return StoreSettings(data_dir=data_dir)

        run_machine(fresh, examples=25, steps=25)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done with long runs of UIDs and large mailboxes is done with these."""
    monkeypatch.setattr("mailkeep.storage.operations.flagging.MANY", 2)
    monkeypatch.setattr("mailkeep.storage.entry_pages.PAGE", 3)


@pytest.mark.usefixtures("postgres_template")
def test_postgres_behaves_as_the_model(postgres_cluster: Any, postgres_template: str, tmp_path: Path) -> None:
    def fresh() -> StoreSettings:
        name = postgres_cluster.create_database(postgres_template)
        return StoreSettings(data_dir=str(tmp_path), database=postgres_cluster.url(name), pool_size=2)

    run_machine(fresh, examples=10, steps=20)
