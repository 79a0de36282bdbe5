"""Alembic's scripts. `versions/` holds one file a change of the tables, never edited once released."""
