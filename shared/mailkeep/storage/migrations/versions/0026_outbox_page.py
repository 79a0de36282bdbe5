"""The outbox by pages: one row for the notifications of a commit, where there was one for each.

Revision ID: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")

oldest = "0021"
"""Hosts of versions before go on with the table `outbox`; what they leave there, newer ones move into pages.
What newer ones write, only newer ones tell."""


def upgrade() -> None:
    """It begins empty."""
    op.create_table(
        "outbox_page",
        sa.Column("id", UUID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_page")),
    )
