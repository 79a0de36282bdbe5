"""Digests of unread mail, for users who want one: when, what it says, and who sends it."""
