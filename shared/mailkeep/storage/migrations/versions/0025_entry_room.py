"""Room for a second version of every entry on its page, for STORE on a whole mailbox.

Revision ID: 0025
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

oldest = "0021"
"""Hosts of versions before go on: what a page keeps free is PostgreSQL's own affair."""

FILLFACTOR = 45  # per cent: less than half, because keywords make the second version longer


def upgrade() -> None:
    """Pages that are there stay as full as they are. One that is too full for a second version of each of its
    rows sends them to other pages, and each then writes into three indexes as well."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE entry SET (fillfactor = {FILLFACTOR})")
