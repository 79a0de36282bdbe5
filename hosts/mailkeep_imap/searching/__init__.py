"""SEARCH: the key tree against the snapshot first, then message rows, then text, for what is left."""
