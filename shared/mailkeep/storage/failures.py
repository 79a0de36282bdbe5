"""Every failure of a database becomes StoreUnavailable here, with the driver's error as its cause.

The sentence is safe for a peer; statements and addresses stay in the cause, which only logs show.
"""

from __future__ import annotations

import sqlite3
import sys
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from mailkeep.errors import StoreUnavailable
from mailkeep.observe import metrics

SENTENCE = "The mail store does not answer at present."

Kinds = tuple[type[BaseException], ...]


def of_asyncpg(*names: str) -> Kinds:
    """Its exceptions, none where it was never loaded: a process on SQLite does without it."""
    asyncpg = sys.modules.get("asyncpg")
    return tuple(getattr(asyncpg, name) for name in names) if asyncpg is not None else ()


def _driver_errors() -> Kinds:
    ours = (sqlite3.Error, SQLAlchemyError, OSError)  # TimeoutError among the last
    return ours + of_asyncpg("PostgresError", "InterfaceError")


def _rejections() -> Kinds:
    """What a database says of the values that it was given, not of itself."""
    ours = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)
    return ours + of_asyncpg("DataError", "IntegrityConstraintViolationError")


class Rejected(StoreUnavailable):
    """The database is well and refuses these values; what shares the transaction can go without them."""


class store_failures:  # noqa: N801  read as what it does, like the library's own
    """Raise StoreUnavailable for what a driver raises inside. Every unit of work goes through it, so it is no
    generator."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        if isinstance(error, _rejections()):
            raise Rejected(SENTENCE) from error
        if isinstance(error, _driver_errors()):
            metrics.STORE_FAILURES.inc()
            raise StoreUnavailable(SENTENCE) from error
