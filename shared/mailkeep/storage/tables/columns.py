"""What all tables share: their names of constraints, and the types of columns that both databases have."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Uuid,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

UUID = Uuid().with_variant(LargeBinary(16), "sqlite")
SERIAL = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only in an INTEGER PRIMARY KEY
MOMENT = BigInteger


def serial() -> Column[int]:
    """The numbered primary key of a table."""
    return Column("id", SERIAL, Identity(), primary_key=True)
