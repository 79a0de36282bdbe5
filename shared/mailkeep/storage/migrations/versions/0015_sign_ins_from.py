"""When a user last ended all their sign-ins: access tokens from before then open nothing.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has yet."""
    op.add_column("user", sa.Column("sign_ins_from", sa.BigInteger()))
