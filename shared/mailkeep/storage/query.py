"""Statements, written once with SQLAlchemy Core and handed to the drivers as their own SQL.

Core knows the tables and the dialects; the drivers know speed. A `Query` is compiled once a dialect,
at its first use, and from then on costs a dictionary lookup. Where the databases differ in more than
spelling, both texts stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Table, Uuid, text

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect as SqlDialect
    from sqlalchemy.sql.elements import ClauseElement

DialectName = Literal["sqlite", "postgres"]


@cache
def dialect_of(name: DialectName) -> SqlDialect:
    """SQLAlchemy's knowledge of a database, imported when it is first asked for: a store needs one of the
    two, and the other is a tenth of a host's start."""
    if name == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415

        return sqlite.dialect(paramstyle="named")
    from sqlalchemy.dialects.postgresql import asyncpg  # noqa: PLC0415

    return asyncpg.dialect()  # type: ignore[no-untyped-call]


class Query:
    """One statement with named parameters.

    `statement` is a Core construct or text with `:name` parameters; `sqlite` is SQLite's own text where
    it must differ. List parameters are arrays to PostgreSQL and JSON to SQLite:
    `= ANY(:ids)` beside `IN (SELECT value FROM json_each(:ids))`.
    """

    __slots__ = ("_clauses", "_compiled")

    def __init__(self, statement: ClauseElement | str, sqlite: str | None = None) -> None:
        clause = text(statement) if isinstance(statement, str) else statement
        self._clauses = {"postgres": clause, "sqlite": clause if sqlite is None else text(sqlite)}
        self._compiled: dict[DialectName, tuple[str, tuple[str, ...]]] = {}

    def on(self, dialect: DialectName) -> tuple[str, tuple[str, ...]]:
        """The driver's SQL, and the parameter names in the order of PostgreSQL's $1, $2, ..."""
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self._clauses[dialect].compile(dialect=dialect_of(dialect))
            names = getattr(compiled, "positiontup", None) or ()
            found = self._compiled[dialect] = (str(compiled), tuple(names))
        return found


class BulkInsert:
    """An INSERT of many rows in one round trip: arrays through unnest, or executemany.

    `conflict` is the text after ON CONFLICT, the same on both databases.
    """

    __slots__ = ("_columns", "_conflict", "_table", "uuid_places")

    def __init__(self, table: Table, *columns: str, conflict: str = "") -> None:
        self._table = table
        self._columns = columns or tuple(column.name for column in table.columns)
        self._conflict = f" ON CONFLICT {conflict}" if conflict else ""
        kinds = [table.c[name].type for name in self._columns]
        self.uuid_places = [place for place, kind in enumerate(kinds) if isinstance(kind, Uuid)]

    @cache  # noqa: B019  a few module-level constants
    def for_sqlite(self) -> str:
        """With a `?` for each column."""
        return f"{self._into()} VALUES ({', '.join('?' * len(self._columns))}){self._conflict}"

    @cache  # noqa: B019  as above
    def for_postgres(self, first: int = 1, condition: str = "") -> str:
        """An array for each column, the parameters numbered from `first`; nothing without `condition`."""
        types = [self._table.c[name].type.compile(dialect=dialect_of("postgres")) for name in self._columns]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, first))
        where = f" WHERE {condition}" if condition else ""
        return f"{self._into()} SELECT * FROM unnest({arrays}){where}{self._conflict}"

    @cache  # noqa: B019  as above
    def one_row(self) -> OneRow:
        """The same for a single row."""
        return OneRow(self, self._of_one)

    def _of_one(self, first: int, condition: str) -> str:
        values = ", ".join(_typed(self._table, self._columns, first))
        row = f"SELECT {values} WHERE {condition}" if condition else f"VALUES ({values})"
        return f"{self._into()} {row}{self._conflict}"

    def _into(self) -> str:
        return f'INSERT INTO "{self._table.name}" ({", ".join(self._columns)})'

    def __len__(self) -> int:
        return len(self._columns)


class BulkUpdate:
    """An UPDATE of many rows by their key in one round trip, with the key first in each row of parameters."""

    __slots__ = ("_columns", "_key", "_table", "uuid_places")

    def __init__(self, table: Table, key: str, *columns: str) -> None:
        self._table = table
        self._key = key
        self._columns = columns
        self.uuid_places: list[int] = []

    @cache  # noqa: B019  a few module-level constants
    def for_sqlite(self) -> str:
        """With numbered parameters."""
        settings = ", ".join(f"{name} = ?{number}" for number, name in enumerate(self._columns, 2))
        return f'UPDATE "{self._table.name}" SET {settings} WHERE {self._key} = ?1'

    @cache  # noqa: B019  as above
    def for_postgres(self, first: int = 1, condition: str = "") -> str:
        """An array for each column, the parameters numbered from `first`; nothing without `condition`."""
        names = (self._key, *self._columns)
        types = [self._table.c[name].type.compile(dialect=dialect_of("postgres")) for name in names]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, first))
        settings = ", ".join(f"{name} = given.{name}" for name in self._columns)
        given = f"unnest({arrays}) AS given({', '.join(names)})"
        table = f'"{self._table.name}"'
        also = f" AND {condition}" if condition else ""
        return (
            f"UPDATE {table} SET {settings} FROM {given} WHERE {table}.{self._key} = given.{self._key}{also}"
        )

    @cache  # noqa: B019  as above
    def one_row(self) -> OneRow:
        """The same for a single row."""
        return OneRow(self, self._of_one)

    def _of_one(self, first: int, condition: str) -> str:
        key, *values = _typed(self._table, (self._key, *self._columns), first)
        settings = ", ".join(f"{name} = {value}" for name, value in zip(self._columns, values, strict=True))
        also = f" AND {condition}" if condition else ""
        return f'UPDATE "{self._table.name}" SET {settings} WHERE {self._key} = {key}{also}'

    def __len__(self) -> int:
        return len(self._columns) + 1


class OneRow:
    """An insert or update of a single row on PostgreSQL, with a parameter for each column: arrays of one,
    made here and taken apart there, cost both sides more than what they hold."""

    __slots__ = ("_length", "_sql")

    def __init__(self, bulk: BulkInsert | BulkUpdate, sql: Callable[[int, str], str]) -> None:
        self._length = len(bulk)
        self._sql = sql

    def for_postgres(self, first: int = 1, condition: str = "") -> str:
        """The parameters are numbered from `first`; nothing is written without `condition`."""
        return self._sql(first, condition)

    def __len__(self) -> int:
        return self._length


def _typed(table: Table, columns: Iterable[str], first: int) -> list[str]:
    kinds = [table.c[name].type.compile(dialect=dialect_of("postgres")) for name in columns]
    return [f"${number}::{kind}" for number, kind in enumerate(kinds, first)]


class Expected:
    """Rows that a statement for PostgreSQL locks and compares with those it was given, keys first.

    `select` names the columns and, behind the key, `{keys}`: `among` an array of them, or equal to the only
    one. A single row is compared with parameters, several with arrays: taking arrays of one apart costs the
    server as much as the rows. `kinds` are the columns' types.
    """

    __slots__ = ("_among", "_names", "_select", "kinds")

    def __init__(self, select: str, among: str, **kinds: str) -> None:
        self._select = select
        self._among = among
        self._names = tuple(kinds)
        self.kinds = tuple(kinds.values())

    def held(self, name: str, first: int, rows: int) -> str:
        """A CTE with the rows as they are, locked; the parameters are numbered from `first`."""
        key = f"${first}::{self.kinds[0]}"
        select = self._select.format(keys=f"= {key}" if rows == 1 else self._among.format(array=f"{key}[]"))
        return f"{name}({', '.join(self._names)}) AS MATERIALIZED ({select})"

    def is_met(self, name: str, first: int, rows: int) -> str:
        """An expression: every row of the CTE is as given, and none is missing."""
        theirs = ", ".join(f"{name}.{column}" for column in self._names)
        if rows == 1:
            given = ", ".join(f"${number}::{kind}" for number, kind in enumerate(self.kinds, first))
            return f"EXISTS (SELECT FROM {name} WHERE ROW({theirs}) IS NOT DISTINCT FROM ROW({given}))"
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(self.kinds, first))
        ours = ", ".join(f"given.{column}" for column in self._names)
        return (
            f"(SELECT count(*) FROM {name} JOIN unnest({arrays}) AS given({', '.join(self._names)})"
            f" ON ROW({theirs}) IS NOT DISTINCT FROM ROW({ours})) = cardinality(${first}::{self.kinds[0]}[])"
        )

    def parameters(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """As many as there are columns, unless there are no rows."""
        if len(rows) < 2:
            return [value for row in rows for value in row]
        return [[row[place] for row in rows] for place in range(len(self.kinds))]


Bulk = BulkInsert | BulkUpdate
Statement = Bulk | OneRow


@cache
def together(bulks: tuple[Statement, ...]) -> str:
    """PostgreSQL's SQL for several at once, in one round trip; all see the state before the first."""
    return with_bulks(bulks[:-1], 1) + bulks[-1].for_postgres(1 + sum(map(len, bulks[:-1])))


@cache
def with_bulks(bulks: tuple[Statement, ...], first: int, before: str = "", condition: str = "") -> str:
    """What does several besides the statement that follows it; parameters are numbered from `first`. `before`
    are further queries, on which `condition` may depend, without which nothing is written."""
    parts = [before] if before else []
    for number, bulk in enumerate(bulks):
        parts.append(f"i{number} AS ({bulk.for_postgres(first, condition)})")
        first += len(bulk)
    return f"WITH {', '.join(parts)} " if parts else ""
