"""Secrets that sign URLs into mailboxes.

Revision ID: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One for each mailbox that a URL was ever signed for."""
    op.create_table(
        "url_secret",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name=op.f("fk_url_secret_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_url_secret")),
    )
