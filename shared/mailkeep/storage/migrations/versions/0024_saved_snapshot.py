"""Snapshots of large mailboxes, as they were: what their first SELECT begins with.

Revision ID: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

oldest = "0021"
"""Hosts of versions before go on: they neither read nor write it. What they leave of a mailbox that they
delete, the collector removes."""


def upgrade() -> None:
    """It begins empty and refers to nothing."""
    op.create_table(
        "saved_snapshot",
        sa.Column("mailbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("modseq", sa.BigInteger(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_saved_snapshot")),
    )
    if op.get_bind().dialect.name == "postgresql":  # compressed octets are not compressed once more
        op.execute("ALTER TABLE saved_snapshot ALTER COLUMN packed SET STORAGE EXTERNAL")
