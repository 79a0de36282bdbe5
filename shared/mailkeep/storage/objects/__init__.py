"""Content in an S3-compatible object store: the further chunks of large blobs that have aged.

No commit waits for that store. Mail is committed to the database as ever; afterwards a mover takes the
chunks after the first of a blob to one object, and they leave the database in the transaction that says where
they are. Whoever reads them asks the database first.
"""
