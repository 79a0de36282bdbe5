"""Mail that an account elsewhere sends, and attempts of which nobody knows whether they arrived.

Revision ID: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What waits already goes by the relay."""
    for name in ("route", "doubt"):
        op.add_column("queue_recipient", sa.Column(name, sa.Text(), nullable=False, server_default=""))
