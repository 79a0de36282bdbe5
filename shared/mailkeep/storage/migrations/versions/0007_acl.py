"""Mailboxes that users share with each other.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Account 0 is every user of the owner's domains, so it is no foreign key."""
    op.create_table(
        "acl",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_acl_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "account_id", name=op.f("pk_acl")),
    )
    op.create_index(op.f("ix_acl_account_id"), "acl", ["account_id"])
