"""What messages measure when they are sent with other octets than they are kept with.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Messages that are there already are taken to be sent as they are kept."""
    op.create_table(
        "message_sent",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=False),
        sa.Column("downgraded", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_sent_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_sent")),
    )
