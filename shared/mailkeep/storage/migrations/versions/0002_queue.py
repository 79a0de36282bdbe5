"""The queue of outgoing mail.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")


def upgrade() -> None:
    """Make its two tables."""
    op.create_table(
        "queue_message",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", UUID, nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("requiretls", sa.Boolean(), nullable=False),
        sa.Column("ret", sa.Text(), nullable=False),
        sa.Column("envid", sa.Text(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], name=op.f("fk_queue_message_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_message")),
    )
    op.create_index(op.f("ix_queue_message_digest"), "queue_message", ["digest"], unique=False)
    op.create_table(
        "queue_recipient",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("notify", sa.Text(), nullable=False),
        sa.Column("orcpt", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delay_told", sa.Boolean(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Text(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("last_host", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["queue_message.id"], name=op.f("fk_queue_recipient_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_recipient")),
    )
    op.create_index(op.f("ix_queue_recipient_due_at"), "queue_recipient", ["due_at"], unique=False)
    op.create_index(op.f("ix_queue_recipient_message_id"), "queue_recipient", ["message_id"], unique=False)
