"""How domains take mail from outside, and who has tried to send before.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Domains that are there file apart what fails DMARC, and greylist nobody."""
    op.add_column("domain", sa.Column("dmarc", sa.Text(), nullable=False, server_default="junk"))
    op.add_column("domain", sa.Column("greylists", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "greylist",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_greylist"),
    )
    op.create_index("ix_greylist_last_at", "greylist", ["last_at"])
