"""Addresses that wait for a mailed code to come back, in place of a note beside the address.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")


def upgrade() -> None:
    """Make the table. What users had asked for was never acted on, so nothing is carried over."""
    op.create_table(
        "address_proof",
        sa.Column("id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("counted_since", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_address_proof_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_proof")),
    )
    op.create_index("uq_address_proof_user_id_address", "address_proof", ["user_id", "address"], unique=True)
    op.create_index(op.f("ix_address_proof_address"), "address_proof", ["address"], unique=False)
    with op.batch_alter_table("address") as address:
        address.drop_index(op.f("ix_address_pending_user_id"))
        address.drop_constraint(op.f("fk_address_pending_user_id"), type_="foreignkey")
        address.drop_column("pending_user_id")
