"""When a user's next digest of unread mail is due.

Revision ID: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
oldest = "0021"


def upgrade() -> None:
    """Hosts of the version before leave it as it is: a digest comes once more at the old time."""
    op.add_column("preference", sa.Column("digest_due_at", sa.BigInteger()))
