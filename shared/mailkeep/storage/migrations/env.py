"""What Alembic runs: the versions, on the connection that mailkeep.storage.migrating hands over."""

from __future__ import annotations

from alembic import context

from mailkeep.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    transactional_ddl=True,  # SQLite has it too; all of an upgrade happens or none
)
with context.begin_transaction():
    context.run_migrations()
