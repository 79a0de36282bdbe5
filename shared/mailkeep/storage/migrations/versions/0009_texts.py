"""The index of what messages say.

Revision ID: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing refers to it and it refers to nothing: it can be made anew from the messages."""
    op.create_table(
        "text_segment",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("low_uid", sa.BigInteger(), nullable=False),
        sa.Column("high_uid", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("uids", sa.LargeBinary(), nullable=False),
        sa.Column("large", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "low_uid", name=op.f("pk_text_segment")),
    )
    if op.get_bind().dialect.name == "postgresql":  # compressed octets are not compressed once more
        for column in ("header", "body"):
            op.execute(f"ALTER TABLE text_segment ALTER COLUMN {column} SET STORAGE EXTERNAL")
