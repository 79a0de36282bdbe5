"""What users arrange for themselves: preferences, labels, filters, push subscriptions.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")


def upgrade() -> None:
    """Make the tables, and the columns that deliveries and live events read."""
    op.add_column(
        "account", sa.Column("has_filters", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("change", sa.Column("removed", sa.LargeBinary(), nullable=True))
    _preferences()
    _labels()
    _filters()
    _push()


def _preferences() -> None:
    op.create_table(
        "preference",
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("id", UUID, nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("display_density", sa.Text(), nullable=False),
        sa.Column("emails_per_page", sa.Integer(), nullable=False),
        sa.Column("default_sort", sa.Text(), nullable=False),
        sa.Column("show_preview", sa.Boolean(), nullable=False),
        sa.Column("group_by_date", sa.Boolean(), nullable=False),
        sa.Column("desktop_notifications", sa.Boolean(), nullable=False),
        sa.Column("email_digest", sa.Boolean(), nullable=False),
        sa.Column("digest_frequency", sa.Text(), nullable=False),
        sa.Column("digest_time", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_preference_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_preference")),
    )


def _labels() -> None:
    op.create_table(
        "label",
        sa.Column("id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_label_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    op.create_index("uq_label_user_id_name", "label", ["user_id", "name"], unique=True)
    op.create_index("uq_label_user_id_keyword", "label", ["user_id", "keyword"], unique=True)


def _filters() -> None:
    op.create_table(
        "mail_filter",
        sa.Column("id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("has_attachments", sa.Boolean(), nullable=True),
        sa.Column("mark_read", sa.Boolean(), nullable=False),
        sa.Column("label_id", UUID, nullable=True),
        sa.Column("discard", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_applied_at", sa.BigInteger(), nullable=True),
        sa.Column("times_applied", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_mail_filter_user_id")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_mail_filter_label_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_filter")),
    )
    op.create_index(op.f("ix_mail_filter_user_id"), "mail_filter", ["user_id"], unique=False)
    op.create_index(op.f("ix_mail_filter_label_id"), "mail_filter", ["label_id"], unique=False)


def _push() -> None:
    op.create_table(
        "push_subscription",
        sa.Column("id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_push_subscription_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscription")),
    )
    op.create_index(
        "uq_push_subscription_user_id_endpoint", "push_subscription", ["user_id", "endpoint"], unique=True
    )
