"""After any sequence of writes the collector removes exactly what a model finds unreferenced, and no more."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import uvloop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.storage.making import deliver, inbox_of, new_user, octets_of, prepared

from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Collected, Store

CONTENTS = (b"", b"one", b"two" * 100_000)
uid_sets = st.sets(st.integers(1, 8), max_size=4).map(UidSet.of)
boxes = st.sampled_from(["INBOX", "Archive", "made"])


@dataclass
class Box:
    """A mailbox as a list: uid -> (message number, place of its content)."""

    id: int
    next: int = 1
    entries: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, entry: tuple[int, int]) -> None:
        self.entries[self.next] = entry
        self.next += 1


class CollectingMachine(RuleBasedStateMachine):
    """Runs every rule on the store and on the model."""

    open_settings: ClassVar[Callable[[], StoreSettings]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.count = 0
        self.messages: dict[int, int] = {}  # stored ones, with the places of their contents
        self.blobs: set[int] = set()

    def do(self, awaitable: Any) -> Any:
        async def work() -> Any:
            return await awaitable

        return self.runner.run(work())

    @initialize()
    def open(self) -> None:
        self.store: Store = self.do(open_store(type(self).open_settings()))
        user = self.do(new_user(self.store))
        self.account_id = user.account_id
        archive = self.do(self.store.mailboxes.get(user.account_id, "Archive")).id
        self.boxes = {"INBOX": Box(self.do(inbox_of(self.store, user))), "Archive": Box(archive)}
        self.remake()

    @rule(place=st.integers(0, len(CONTENTS) - 1))
    def deliver(self, place: int) -> None:
        self.do(deliver(self.store, "alice", message=prepared(CONTENTS[place])))
        self.count += 1
        self.messages[self.count] = place
        self.blobs.add(place)
        self.boxes["INBOX"].add((self.count, place))

    @rule(source=boxes, into=boxes, uids=uid_sets, moves=st.booleans())
    def copy(self, source: str, into: str, uids: UidSet, moves: bool) -> None:
        one, other = self.boxes[source], self.boxes[into]
        committer = self.store.committer
        self.do((committer.move if moves else committer.copy)(one.id, uids, other.id))
        for uid in sorted(uid for uid in one.entries if uid in uids):
            other.add(one.entries.pop(uid) if moves else one.entries[uid])

    @rule(box=boxes, uids=uid_sets)
    def expunge(self, box: str, uids: UidSet) -> None:
        self.do(self.store.committer.expunge(self.boxes[box].id, uids, only_deleted=False))
        for uid in [uid for uid in self.boxes[box].entries if uid in uids]:
            del self.boxes[box].entries[uid]

    @rule()
    def remake(self) -> None:
        if "made" in self.boxes:
            self.do(self.store.mailboxes.delete(self.account_id, "made"))
        self.boxes["made"] = Box(self.do(self.store.mailboxes.create(self.account_id, "made")).id)

    @rule()
    def collect(self) -> None:
        kept = {number for box in self.boxes.values() for number, _ in box.entries.values()}
        messages = self.messages.keys() - kept
        blobs = self.blobs - {self.messages[number] for number in kept}
        octets = sum(len(CONTENTS[place]) for place in blobs)
        grace = timedelta(seconds=-1)
        collected = self.do(self.store.collector.collect(grace=grace, in_a_hurry=True))
        assert collected == Collected(messages=len(messages), blobs=len(blobs), octets=octets)
        self.messages = {number: self.messages[number] for number in kept}
        self.blobs -= blobs
        for box in self.boxes.values():
            for uid, (_, place) in box.entries.items():
                assert self.do(octets_of(self.store, box.id, uid)).endswith(CONTENTS[place])

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.collect()
            self.do(self.store.close())
        self.runner.close()


def check(open_settings: Callable[[], StoreSettings], examples: int) -> None:
    machine = type("Machine", (CollectingMachine,), {"open_settings": staticmethod(open_settings)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    def fresh() -> StoreSettings:
        data_dir = Path(tempfile.mkdtemp(dir=tmp_path)) / "store"
        shutil.copytree(sqlite_template, data_dir)
        return StoreSettings(data_dir=str(data_dir))

    check(fresh, 25)


def test_on_postgres(postgres_cluster: Any, postgres_template: str, tmp_path: Path) -> None:
    names: list[str] = []

    def fresh() -> StoreSettings:
        names.append(postgres_cluster.create_database(postgres_template))
        return StoreSettings(data_dir=str(tmp_path), database=postgres_cluster.url(names[-1]))

    check(fresh, 8)
    for name in names:
        postgres_cluster.drop_database(name)
