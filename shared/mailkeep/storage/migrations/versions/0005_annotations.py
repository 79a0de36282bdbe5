"""Annotations of mailboxes and of the server.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Shared ones have account 0, the server's have mailbox 0: so there are no foreign keys."""
    op.create_table(
        "annotation",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "account_id", "name", name=op.f("pk_annotation")),
    )
    op.create_index(op.f("ix_annotation_account_id"), "annotation", ["account_id"])
