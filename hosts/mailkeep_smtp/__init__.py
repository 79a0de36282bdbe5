"""The SMTP host: one process, one protocol."""
