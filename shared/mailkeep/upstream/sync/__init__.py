"""Mail of an account elsewhere, kept in a user's mailboxes here: new messages, flags both ways, deletions."""
