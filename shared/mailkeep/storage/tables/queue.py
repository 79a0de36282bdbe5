"""Mail that waits to leave for other domains."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata

# What waits to leave, once: `header` and the blob of `digest`. It goes with its last recipient.
queue_message = Table(
    "queue_message",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, ForeignKey("blob.digest"), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("user_id", UUID),
    Column("sender", Text, nullable=False),  # "" is the null reverse-path
    Column("smtputf8", Boolean, nullable=False),
    Column("requiretls", Boolean, nullable=False),
    Column("ret", Text, nullable=False),
    Column("envid", Text, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("traceparent", Text, nullable=False, server_default=""),
)

# `due_at` is when it may be claimed: its next attempt, the end of its lease, or never while it is held.
queue_recipient = Table(
    "queue_recipient",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_id", Text, ForeignKey("queue_message.id"), nullable=False, index=True),
    Column("recipient", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("notify", Text, nullable=False),
    Column("orcpt", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("due_at", MOMENT, nullable=False, index=True),
    Column("expires_at", MOMENT, nullable=False),
    Column("lease", Text),
    Column("held", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("delay_told", Boolean, nullable=False),
    Column("last_at", MOMENT),
    Column("last_status", Text, nullable=False),
    Column("last_reply", Text, nullable=False),
    Column("last_host", Text, nullable=False),
    Column("route", Text, nullable=False, server_default=""),
    Column("doubt", Text, nullable=False, server_default=""),
)
