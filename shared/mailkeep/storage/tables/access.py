"""Who gets in and who tried: keys, the audit trail, strangers that were asked to come again."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata, serial

api_key = Table(
    "api_key",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), index=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("networks", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("last_used_at", MOMENT),
    Column("revoked_at", MOMENT),
)

audit = Table(
    "audit",
    metadata,
    serial(),
    Column("at", MOMENT, nullable=False),
    Column("host", Text, nullable=False),
    Column("mechanism", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("user_id", UUID),
    Column("key_id", UUID),
    Column("session", Text, nullable=False, server_default=""),
    Index("ix_audit_user_id_id", "user_id", "id"),
    sqlite_autoincrement=True,
)

# `key` stands for a network, a sender and a recipient. `last_at` is when they were let in last, else
# `first_at`.
greylist = Table(
    "greylist",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("first_at", MOMENT, nullable=False),
    Column("last_at", MOMENT, nullable=False, index=True),
)
