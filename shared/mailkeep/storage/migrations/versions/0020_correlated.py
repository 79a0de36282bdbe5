"""By which session somebody logged in, and which message news is of.

Revision ID: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Hosts of the version before go on writing: what they leave out is empty."""
    op.add_column("audit", sa.Column("session", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("mail_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("traceparent", sa.Text(), nullable=False, server_default=""))
