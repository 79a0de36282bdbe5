"""Limits of single accounts.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Null is the operator's default, as it was for all."""
    op.add_column("account", sa.Column("quota_storage", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("quota_messages", sa.BigInteger(), nullable=True))
