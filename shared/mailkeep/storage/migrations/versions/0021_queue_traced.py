"""Which trace mail that waits to leave belongs to.

Revision ID: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Hosts of the version before go on writing: what they leave out is empty."""
    op.add_column("queue_message", sa.Column("traceparent", sa.Text(), nullable=False, server_default=""))
