"""Which messages have a body: what a collector asks before it removes one.

Revision ID: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Without it each removal of a blob would read the whole table, and so would its foreign key."""
    op.create_index(op.f("ix_message_digest"), "message", ["digest"])
