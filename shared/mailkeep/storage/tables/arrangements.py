"""What users arrange for themselves: preferences, labels, filters, browsers to push to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata

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
    Column("digest_due_at", MOMENT),  # null: to be settled
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
