"""What can be written to mailboxes: one file a family of operations, run by the committer in batches."""
