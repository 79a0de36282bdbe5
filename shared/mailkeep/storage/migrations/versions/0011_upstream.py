"""Accounts elsewhere: configuration, folders with their positions, and what was fetched from them.

Revision ID: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UUID = sa.Uuid().with_variant(sa.LargeBinary(length=16), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "upstream_account",
        sa.Column("id", UUID, nullable=False),
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_sync_at", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_upstream_account_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_account")),
    )
    op.create_index("uq_upstream_account_user_id_name", "upstream_account", ["user_id", "name"], unique=True)
    op.create_table(
        "upstream_folder",
        sa.Column("id", SERIAL, sa.Identity(always=False), nullable=False),
        sa.Column("account_id", UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("remote_modseq", sa.BigInteger(), nullable=False),
        sa.Column("local_modseq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["upstream_account.id"], name=op.f("fk_upstream_folder_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_folder")),
    )
    op.create_index(
        "uq_upstream_folder_account_id_name", "upstream_folder", ["account_id", "name"], unique=True
    )
    op.create_table(
        "upstream_message",
        sa.Column("folder_id", sa.BigInteger(), nullable=False),
        sa.Column("remote_uid", sa.BigInteger(), nullable=False),
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["upstream_folder.id"], name=op.f("fk_upstream_message_folder_id")
        ),
        sa.PrimaryKeyConstraint("folder_id", "remote_uid", name=op.f("pk_upstream_message")),
        sqlite_with_rowid=False,
    )
