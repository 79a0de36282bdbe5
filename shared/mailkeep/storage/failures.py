"""Every failure of a database becomes StoreUnavailable here, with the driver's error as its cause.

The sentence is safe for a peer; statements and addresses stay in the cause, which only logs show.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from mailkeep.errors import StoreUnavailable
from mailkeep.observe import metrics

SENTENCE = "The mail store does not answer at present."

_DRIVER_ERRORS = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    SQLAlchemyError,
    OSError,  # TimeoutError among them
)


# What a database says of the values that it was given, not of itself.
_REJECTIONS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)


class Rejected(StoreUnavailable):
    """The database is well and refuses these values; what shares the transaction can go without them."""


@contextmanager
def store_failures() -> Iterator[None]:
    """Raise StoreUnavailable for what a driver raises inside."""
    try:
        yield
    except _REJECTIONS as error:
        raise Rejected(SENTENCE) from error
    except _DRIVER_ERRORS as error:
        metrics.STORE_FAILURES.inc()
        raise StoreUnavailable(SENTENCE) from error
