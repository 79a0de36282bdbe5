"""The API host: one process, one protocol."""
