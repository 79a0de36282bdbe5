"""The IMAP host: one process, one protocol."""
