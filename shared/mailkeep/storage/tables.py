"""The tables, once for both databases, as SQLAlchemy Core metadata.

Queries are built on these and the migrations are compared with them by a test. Conventions: moments are
integers, microseconds since 1970 in UTC, so that both databases hold and compare the same; ids that
leave the store are UUIDs; lists of words are text with one space between; what may grow has no index
that a flag change would have to touch. PostgreSQL's storage parameters are named by the migrations alone:
one of them here would load its dialect into every process at start.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    false,
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


def _serial() -> Column[int]:
    return Column("id", SERIAL, Identity(), primary_key=True)


# --- who owns what --------------------------------------------------------------------------------

domain = Table(
    "domain",
    metadata,
    Column("name", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("catch_all", Text),
    Column("created_at", MOMENT, nullable=False),
    Column("dmarc", Text, nullable=False, server_default="junk"),
    Column("greylists", Boolean, nullable=False, server_default=false()),
)

user = Table(
    "user",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("last_login_at", MOMENT),
    Index("uq_user_issuer_subject", "issuer", "subject", unique=True),
)

# Claiming mail is setting user_id here, however much mail there is.
account = Table(
    "account",
    metadata,
    _serial(),
    Column("user_id", UUID, ForeignKey("user.id"), unique=True),
    Column("uidvalidity", BigInteger, nullable=False),  # the highest that a mailbox of it was given
    Column("created_at", MOMENT, nullable=False),
    Column("has_filters", Boolean, nullable=False, server_default=false()),  # enabled ones: a delivery asks
    Column("quota_storage", BigInteger),  # octets; null: the operator's default, 0: no limit
    Column("quota_messages", BigInteger),
    sqlite_autoincrement=True,
)

# Verified exactly if its account has a user.
address = Table(
    "address",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("address", Text, nullable=False, unique=True),
    Column("domain", Text, nullable=False, index=True),
    Column("account_id", BigInteger, ForeignKey("account.id"), nullable=False, index=True),
    Column("is_primary", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
)

# What a user has asked for and not proven. `mails` went out since `counted_since`, and count for a day.
address_proof = Table(
    "address_proof",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), nullable=False),
    Column("address", Text, nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("mails", Integer, nullable=False),
    Column("counted_since", MOMENT, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Index("uq_address_proof_user_id_address", "user_id", "address", unique=True),
)

# --- mailboxes ------------------------------------------------------------------------------------

# One update of this row an every commit that touches the mailbox: its lock puts modseqs in commit order.
mailbox = Table(
    "mailbox",
    metadata,
    _serial(),
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

# --- messages -------------------------------------------------------------------------------------

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

message = Table(
    "message",
    metadata,
    _serial(),
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

# --- keys, notifications, audit -------------------------------------------------------------------

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

outbox = Table(
    "outbox",
    metadata,
    _serial(),
    Column("item_id", UUID, nullable=False, unique=True),
    Column("user_id", UUID, nullable=False),
    Column("email_id", UUID, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("leased_until", MOMENT, nullable=False),
    Column("from_address", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("has_attachments", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    _serial(),
    Column("at", MOMENT, nullable=False),
    Column("host", Text, nullable=False),
    Column("mechanism", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("user_id", UUID),
    Column("key_id", UUID),
    Index("ix_audit_user_id_id", "user_id", "id"),
    sqlite_autoincrement=True,
)

# --- outgoing mail --------------------------------------------------------------------------------

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
)

# --- aliases --------------------------------------------------------------------------------------

# Both are keys of addresses (model.address): an alias is the rows that it has.
alias = Table(
    "alias",
    metadata,
    Column("alias", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
)

# --- strangers ------------------------------------------------------------------------------------

# `key` stands for a network, a sender and a recipient. `last_at` is when they were let in last, else
# `first_at`.
greylist = Table(
    "greylist",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("first_at", MOMENT, nullable=False),
    Column("last_at", MOMENT, nullable=False, index=True),
)

# --- what users arrange for themselves ------------------------------------------------------------

preference = Table(
    "preference",
    metadata,
    Column("user_id", UUID, ForeignKey("user.id"), primary_key=True),
    Column("id", UUID, nullable=False),
    Column("theme", Text, nullable=False),
    Column("display_density", Text, nullable=False),
    Column("emails_per_page", Integer, nullable=False),
    Column("default_sort", Text, nullable=False),
    Column("show_preview", Boolean, nullable=False),
    Column("group_by_date", Boolean, nullable=False),
    Column("desktop_notifications", Boolean, nullable=False),
    Column("email_digest", Boolean, nullable=False),
    Column("digest_frequency", Text, nullable=False),
    Column("digest_time", Text, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
)

# The keyword is what entries hold; a rename leaves it as it is.
label = Table(
    "label",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    Column("sort_order", Integer, nullable=False),
    Column("keyword", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Index("uq_label_user_id_name", "user_id", "name", unique=True),
    Index("uq_label_user_id_keyword", "user_id", "keyword", unique=True),
)

# Empty texts and nulls are conditions that are not set.
mail_filter = Table(
    "mail_filter",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("has_attachments", Boolean),
    Column("mark_read", Boolean, nullable=False),
    Column("label_id", UUID, ForeignKey("label.id"), index=True),
    Column("discard", Boolean, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("last_applied_at", MOMENT),
    Column("times_applied", BigInteger, nullable=False),
)

push_subscription = Table(
    "push_subscription",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, ForeignKey("user.id"), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("last_used_at", MOMENT),
    Index("uq_push_subscription_user_id_endpoint", "user_id", "endpoint", unique=True),
)

# --- accounts elsewhere ---------------------------------------------------------------------------

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
    _serial(),
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

# SQLite's feed counts its commits here, so that a process knows which datagrams it missed.
feed_counter = Table(
    "feed_counter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
