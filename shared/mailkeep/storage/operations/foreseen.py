"""Deliveries and appends in one round trip, where this process knows what it would be told.

Who wrote a mailbox last mostly writes it next. So what a commit left behind is remembered, the next one's
rows are made from that, and one statement locks the mailboxes, compares, writes everything and commits. If
anything is not as remembered, it writes nothing, and the group goes the ordinary way, which asks. What is
remembered never decides anything: the comparison does, under the same locks as everybody's.

SQLite says whether anybody has committed since (see `database.Mark`). If nobody has, what is remembered is
so, and is not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from mailkeep.model.mailbox import INBOX
from mailkeep.storage import locked
from mailkeep.storage.accounts import EXPECTED_OWNERS, Owner
from mailkeep.storage.database import Condition, Database, ForeseenUnit, Mark, Unforeseen
from mailkeep.storage.locked import EXPECTED_MAILBOXES, LockedMailbox
from mailkeep.storage.query import Query

if TYPE_CHECKING:
    from mailkeep.storage.operations.batch import Batch, Memory, Operation

REMEMBERED_MAILBOXES = 4096
LONGEST_REST = 31  # groups that go the ordinary way when others keep writing the same mailboxes

_WITNESS = Query("SELECT 1 FROM message WHERE id = :id")


@dataclass(slots=True)
class Known:
    """What was true at the end of this process's last commits."""

    mailboxes: dict[int, LockedMailbox] = field(default_factory=dict)
    by_name: dict[tuple[int, str], int] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    next_message_id: int | None = None
    mark: Mark | None = None
    distrust: int = 0
    rest: int = 0

    def learn(self, batch: Batch) -> None:
        """A batch is committed."""
        mark = batch.transaction.mark
        if mark != self.mark or len(self.mailboxes) + len(batch.mailboxes) > REMEMBERED_MAILBOXES:
            self._forget()
        for mailbox in batch.mailboxes.values():
            self.mailboxes[mailbox.id] = mailbox.copy()
            self.by_name[mailbox.account_id, mailbox.name] = mailbox.id
        self.owners.update(batch.owners)
        if mark is not None:
            self.mark = mark.next()
            self.next_message_id = batch.next_message_id or self.next_message_id

    def _forget(self) -> None:
        self.mailboxes.clear()
        self.by_name.clear()
        self.owners.clear()
        self.next_message_id = None

    def is_so(self, mark: Mark | None) -> bool:
        """True if nobody has committed since the last batch but those who are known."""
        return mark is not None and mark == self.mark

    def fill(self, batch: Batch, operations: Sequence[Operation]) -> bool:
        """Give the batch copies of all that the operations need. False if something of it is not known."""
        try:
            for operation in operations:
                for mailbox_id in operation.mailbox_ids():
                    self._give(batch, mailbox_id)
                for address in operation.addresses():
                    owner = batch.owners[address.key] = self.owners[address.key]
                    for name in {INBOX, *getattr(operation, "mailbox_names", ())}:
                        self._give(batch, self.by_name[owner.account_id, name])
        except KeyError:
            return False
        return True

    def _give(self, batch: Batch, mailbox_id: int) -> None:
        if mailbox_id not in batch.mailboxes:
            mailbox = self.mailboxes[mailbox_id].copy()
            batch.mailboxes[mailbox_id] = batch.by_name[mailbox.account_id, mailbox.name] = mailbox

    def missed(self) -> None:
        """It was not so. If that happens again and again, trying costs more than it saves."""
        self.distrust = self.rest = min(2 * self.distrust + 1, LONGEST_REST)

    def may_be_tried(self) -> bool:
        """False for a while after misses."""
        if self.rest:
            self.rest -= 1
            return False
        return True


async def write(database: Database, operations: Sequence[Operation], memory: Memory) -> list[Any]:
    """Apply all and commit; their answers as `batch.run` gives them. Raises Unforeseen."""
    known = memory.known
    if database.dialect != "postgres" or not known.may_be_tried():
        raise Unforeseen
    unit = ForeseenUnit("postgres")
    group = _batch(unit, operations, memory)
    first_id = group.message_ids[0]
    answers = await group.apply_inserts(operations)
    await locked.store(unit, group.mailboxes.values(), unit.at_end)
    try:
        await database.write_foreseen(_condition(group, known, first_id), unit)
    except Unforeseen:
        known.missed()
        raise
    known.distrust = 0
    memory.learn(group)
    return answers


def _batch(unit: ForeseenUnit, operations: Sequence[Operation], memory: Memory) -> Batch:
    """With copies of all that the operations need. Raises Unforeseen if something of it is not known."""
    from mailkeep.storage.operations.batch import Batch  # noqa: PLC0415  which uses this module

    known, messages = memory.known, sum(operation.new_messages for operation in operations)
    if not all(operation.inserts for operation in operations) or not 0 < messages <= len(memory.message_ids):
        raise Unforeseen
    group = Batch(unit, memory.defaults, memory.held, message_ids=memory.message_ids)
    if not known.fill(group, operations) or any(owner.has_filters for owner in group.owners.values()):
        raise Unforeseen
    return group


def _condition(group: Batch, known: Known, first_id: int) -> Condition:
    mailboxes = [known.mailboxes[mailbox_id].columns() for mailbox_id in sorted(group.mailboxes)]
    owners = [
        (key, owner.account_id, owner.user_id, owner.has_filters)
        for key, owner in sorted(group.owners.items())
    ]
    parameters = [*EXPECTED_MAILBOXES.parameters(mailboxes), *EXPECTED_OWNERS.parameters(owners)]
    same = _same(min(len(mailboxes), 2), min(len(owners), 2))
    return Condition(same, parameters, _WITNESS, first_id)


@cache
def _same(mailboxes: int, owners: int) -> str:
    """For so many rows of each; 2 are two or more."""
    held, met, first = [], [], Condition.FIRST
    for expected, rows in ((EXPECTED_MAILBOXES, mailboxes), (EXPECTED_OWNERS, owners)):
        if rows:
            name = f"held{first}"
            held.append(expected.held(name, first, rows))
            met.append(expected.is_met(name, first, rows))
            first += len(expected.kinds)
    return f"{', '.join(held)}, same AS MATERIALIZED (SELECT {' AND '.join(met)} AS ok)"
