"""Mailboxes as tools of assistants: the Model Context Protocol."""
