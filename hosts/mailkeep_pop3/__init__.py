"""The POP3 host: one process, one protocol."""
