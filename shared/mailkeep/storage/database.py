"""The seam between what the store does and which database does it.

A unit of work is a coroutine function that takes a `Connection`. On PostgreSQL it is awaited on the
loop. On SQLite it runs in a database thread, where every await is answered at once, so that a whole
transaction costs one hop between threads; such a function must await nothing but its connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from mailkeep.storage.interface import Topic, TopicKind
from mailkeep.storage.query import Bulk, DialectName, Query

T = TypeVar("T")
Row = Sequence[Any]


class Mark(NamedTuple):
    """Where a unit of SQLite's stands among all commits: those of others, and its own connection's units."""

    others: int
    own: int

    def next(self) -> Mark:
        """That of the connection's next unit, if nobody commits in between."""
        return Mark(self.others, self.own + 1)


class Connection(Protocol):
    """One connection within a unit of work."""

    dialect: DialectName

    async def all(self, query: Query, **parameters: Any) -> Sequence[Row]:
        """Every row."""

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        """The first row, if any."""

    async def run(self, query: Query, **parameters: Any) -> int:
        """The number of rows that it wrote."""

    async def many(self, query: Query, rows: Sequence[dict[str, Any]]) -> None:
        """The same statement for each row of parameters, in one round trip; none is fine."""

    async def insert(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """Insert or update rows of one table or several, in one round trip; no rows are fine."""


class Transaction(Connection, Protocol):
    """A unit of work that writes."""

    topics: set[Topic]
    """What the commit names on the feed."""

    mark: Mark | None
    """None where only asking tells what others have written."""

    async def at_end(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """The same, perhaps only with the end of the unit, which costs no round trip of its own. Nothing
        in the unit may read what it writes, and no row may be written twice so."""


class Unforeseen(Exception):
    """Nothing was written: what a unit took for granted is not so, or it had to ask after all."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be in the database for a unit to be kept: the text of CTEs for PostgreSQL with a row
    `same(ok)` among them, and its parameters, which are numbered from `FIRST`.

    `witness` finds, by one integer, what only the unit writes: how a commit whose answer was lost is known.
    """

    FIRST: ClassVar[int] = 3

    sql: str
    parameters: Sequence[Any]
    witness: Query
    witness_id: int


def changed(transaction: Transaction, kind: TopicKind, id: object = "") -> None:
    """Have the commit name something on the feed."""
    transaction.topics.add(Topic(kind, str(id)))


class ForeseenUnit:
    """A `Transaction` that only gathers what is to be written: it raises Unforeseen for every question."""

    def __init__(self, dialect: DialectName) -> None:
        self.dialect: DialectName = dialect
        self.topics: set[Topic] = set()
        self.mark: Mark | None = None
        self.rows: list[tuple[Bulk, Sequence[Row]]] = []

    async def all(self, query: Query, **parameters: Any) -> Sequence[Row]:
        """See Connection."""
        raise Unforeseen

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        """See Connection."""
        raise Unforeseen

    async def run(self, query: Query, **parameters: Any) -> int:
        """See Connection."""
        raise Unforeseen

    async def many(self, query: Query, rows: Sequence[dict[str, Any]]) -> None:
        """See Connection."""
        if rows:
            raise Unforeseen

    async def insert(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See Connection. Somebody would read these rows in the unit."""
        if any(rows for _, rows in bulks):
            raise Unforeseen

    async def at_end(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See Transaction. The rows are taken as they are now: the caller may clear its lists."""
        self.rows += [(bulk, list(rows)) for bulk, rows in bulks if rows]


class Database(Protocol):
    """One backend. Everything that goes wrong in it raises StoreUnavailable."""

    dialect: DialectName

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a unit that reads. Each statement sees what was committed before it."""

    async def read_at_once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a unit whose statements all see the same state."""

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a unit in a transaction of its own; it may be run again if the database asks for it.

        Returns after the commit. A caller that is cancelled does not stop it.
        """

    async def write_foreseen(self, condition: Condition, unit: ForeseenUnit) -> None:
        """Write a whole unit at once, and commit it, if the condition holds. Raises Unforeseen.

        Returns after the commit. A caller that is cancelled does not stop it.
        """

    def usage(self) -> tuple[int, int]:
        """How many connections work now, and how many there may be."""

    async def write_lightly(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """The same without waiting for the disk: for what may be lost when the machine loses its power."""

    async def close(self) -> None:
        """Wait for what is under way, then disconnect."""
