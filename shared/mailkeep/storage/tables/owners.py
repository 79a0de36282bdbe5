"""Who owns what: domains, users, their accounts and addresses, and where aliases lead."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
)

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata, serial

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
    Column("sign_ins_from", MOMENT),  # access tokens that were issued before it open nothing
    Index("uq_user_issuer_subject", "issuer", "subject", unique=True),
)

# Claiming mail is setting user_id here, however much mail there is.
account = Table(
    "account",
    metadata,
    serial(),
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

# Both are keys of addresses (model.address): an alias is the rows that it has.
alias = Table(
    "alias",
    metadata,
    Column("alias", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
)
