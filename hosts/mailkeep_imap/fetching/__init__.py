"""FETCH: what must be read for it, and how it becomes responses, a batch at a time."""
