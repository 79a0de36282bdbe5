"""Where content lies that was moved into an object store, and which objects are in use by nobody.

Revision ID: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

oldest = "0021"
"""Hosts of versions before go on, because nothing is moved yet. The first move ends that."""


def upgrade() -> None:
    """Both begin empty."""
    op.create_table(
        "blob_object",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], name=op.f("fk_blob_object_digest")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blob_object")),
    )
    op.create_table(
        "object_leaving",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_object_leaving")),
    )
