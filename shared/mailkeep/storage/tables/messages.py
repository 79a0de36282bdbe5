"""Messages: their octets, what is known of each, where it lies, what a commit has changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata, serial

# `digest` is the SHA-256 of the octets; `chunk` holds the first 256 KiB of them, compressed.
blob = Table(
    "blob",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("touched", MOMENT, nullable=False),
    Column("chunk", LargeBinary, nullable=False),
)

blob_chunk = Table(
    "blob_chunk",
    metadata,
    Column("digest", LargeBinary, ForeignKey("blob.digest"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("chunk", LargeBinary, nullable=False),
)

# Where the further chunks of a blob lie that were moved out of the database: see objects/. `ends` says where
# each of them ends in the object, `size` is that of the whole object.
blob_object = Table(
    "blob_object",
    metadata,
    Column("digest", LargeBinary, ForeignKey("blob.digest"), primary_key=True),
    Column("key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("ends", LargeBinary, nullable=False),
)

# Objects that no blob refers to: about to be uploaded, or not needed any more. Who has `given_up` one will
# remove it, and nobody may refer to it again.
object_leaving = Table(
    "object_leaving",
    metadata,
    Column("key", Text, primary_key=True),
    Column("since", MOMENT, nullable=False),
    Column("given_up", Boolean, nullable=False),
)

message = Table(
    "message",
    metadata,
    serial(),
    Column("email_id", UUID, nullable=False, unique=True),
    Column("digest", LargeBinary, ForeignKey("blob.digest"), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("sent_at", MOMENT),
    Column("attachment_count", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("base_subject", Text, nullable=False),
    Column("from_address", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("header_message_id", Text, nullable=False),
    Column("reference_ids", Text, nullable=False),
    Column("preview", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_structure", LargeBinary, nullable=False),
    Column("parts", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    sqlite_autoincrement=True,  # a session may still hold the id of a message that is gone
)

# The few messages that are sent with other octets than they are kept with: see model.message.SentSizes.
message_sent = Table(
    "message_sent",
    metadata,
    Column("message_id", BigInteger, ForeignKey("message.id"), primary_key=True, autoincrement=False),
    Column("whole", BigInteger, nullable=False),
    Column("downgraded", BigInteger, nullable=False),
)

entry = Table(
    "entry",
    metadata,
    Column("mailbox_id", BigInteger, ForeignKey("mailbox.id"), primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("message_id", BigInteger, ForeignKey("message.id"), nullable=False, index=True),
    Column("flags", SmallInteger, nullable=False),
    Column("keywords", Text, nullable=False),
    Column("modseq", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("internal_date", MOMENT, nullable=False),
    Column("save_date", MOMENT, nullable=False),
    Index("ix_entry_mailbox_id_internal_date", "mailbox_id", "internal_date", "message_id"),
    sqlite_with_rowid=False,
)

# What the messages of a run of UIDs say: see texts.py. It can be lost: searches are then slower.
text_segment = Table(
    "text_segment",
    metadata,
    Column("mailbox_id", BigInteger, primary_key=True),
    Column("low_uid", BigInteger, primary_key=True),
    Column("high_uid", BigInteger, nullable=False),
    Column("made_at", MOMENT, nullable=False),
    Column("version", Text, nullable=False),
    Column("uids", LargeBinary, nullable=False),
    Column("large", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# What one commit did to one mailbox: see change_log.py. QRESYNC reads `expunged`, live events `removed`.
change = Table(
    "change",
    metadata,
    Column("mailbox_id", BigInteger, ForeignKey("mailbox.id"), primary_key=True),
    Column("modseq", BigInteger, primary_key=True),
    Column("appended", LargeBinary),
    Column("flagged", LargeBinary),
    Column("expunged", Text),
    Column("removed", LargeBinary),
    sqlite_with_rowid=False,
)

# A large mailbox as it was at a modseq: see saved_snapshots.py. It can be lost: the first
# SELECT is then slower.
saved_snapshot = Table(
    "saved_snapshot",
    metadata,
    Column("mailbox_id", BigInteger, primary_key=True, autoincrement=False),
    Column("made_at", MOMENT, nullable=False),
    Column("version", Text, nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("modseq", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)
