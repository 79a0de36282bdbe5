"""What `mailkeep doctor` looks at, one file a subject."""
