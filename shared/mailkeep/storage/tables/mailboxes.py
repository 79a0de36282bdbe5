"""Mailboxes, who may do what in them, and what is noted about them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text

from mailkeep.storage.tables.columns import metadata, serial

# One update of this row an every commit that touches the mailbox: its lock puts modseqs in commit order.
mailbox = Table(
    "mailbox",
    metadata,
    serial(),
    Column("account_id", BigInteger, ForeignKey("account.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("special_use", Text),
    Column("selectable", Boolean, nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uidnext", BigInteger, nullable=False),
    Column("highestmodseq", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("unseen", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("uq_mailbox_account_id_name", "account_id", "name", unique=True),
    sqlite_autoincrement=True,  # an id in a feed topic or a session never comes to mean another mailbox
)

subscription = Table(
    "subscription",
    metadata,
    Column("account_id", BigInteger, ForeignKey("account.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# What others may do in a mailbox; account 0 is every user of its owner's domains. The owner has no row.
acl = Table(
    "acl",
    metadata,
    Column("mailbox_id", BigInteger, ForeignKey("mailbox.id"), primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("rights", Text, nullable=False),
)

# Shared ones have account 0, the server's mailbox 0: so no foreign keys, and a mailbox's are removed with it.
annotation = Table(
    "annotation",
    metadata,
    Column("mailbox_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# The mailbox access keys of URLAUTH (RFC 4467 section 4), made when the first URL is signed.
url_secret = Table(
    "url_secret",
    metadata,
    Column("mailbox_id", BigInteger, ForeignKey("mailbox.id"), primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
)
