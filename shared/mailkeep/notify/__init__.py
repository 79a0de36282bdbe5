"""Telling the API host of new mail: from the outbox, over HTTP, with the scope `internal`."""
