"""Accounts elsewhere, and what has come from them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, Table, Text

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata, serial

# Configuration alone: secrets lie where the operator put them.
upstream_account = Table(
    "upstream_account",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("last_sync_at", MOMENT),
    Column("state", Text, nullable=False),
    Column("said", Text, nullable=False),
    Index("uq_upstream_account_user_id_name", "user_id", "name", unique=True),
)

upstream_folder = Table(
    "upstream_folder",
    metadata,
    serial(),
    Column("account_id", UUID, ForeignKey("upstream_account.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("remote_modseq", BigInteger, nullable=False),
    Column("local_modseq", BigInteger, nullable=False),
    Index("uq_upstream_folder_account_id_name", "account_id", "name", unique=True),
)

# Written with the entry, so that a message is fetched once whatever dies when. No reference to the entry:
# what was deleted here is not fetched again.
upstream_message = Table(
    "upstream_message",
    metadata,
    Column("folder_id", BigInteger, ForeignKey("upstream_folder.id"), primary_key=True),
    Column("remote_uid", BigInteger, primary_key=True),
    Column("mailbox_id", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("keywords", Text, nullable=False),
    sqlite_with_rowid=False,
)
