"""Who pushes news to a browser, when several processes hear of it.

Revision ID: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")


def upgrade() -> None:
    """There are none yet."""
    op.create_table(
        "push_claim",
        sa.Column("id", UUID, nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_claim"),
    )
    op.create_index("ix_push_claim_claimed_at", "push_claim", ["claimed_at"])
