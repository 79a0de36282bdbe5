"""What hosts tell each other through the store: news, secrets of all, versions, counts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from mailkeep.storage.tables.columns import MOMENT, UUID, metadata, serial

# The notifications of one commit that the API has not acknowledged: see outbox_pages.py.
outbox_page = Table(
    "outbox_page",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
    Column("leased_until", MOMENT, nullable=False),
    Column("items", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

# The same a row each, as hosts from before tables 0026 write it: emptied into pages.
outbox = Table(
    "outbox",
    metadata,
    serial(),
    Column("item_id", UUID, nullable=False, unique=True),
    Column("user_id", UUID, nullable=False),
    Column("email_id", UUID, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("leased_until", MOMENT, nullable=False),
    Column("from_address", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("has_attachments", Boolean, nullable=False),
    Column("mail_id", Text, nullable=False, server_default=""),  # what its sender was told; "" for others
    Column("traceparent", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

# News that a browser was pushed for, or is about to be: whoever writes its row is the one who pushes.
push_claim = Table(
    "push_claim",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("claimed_at", MOMENT, nullable=False, index=True),
)

# What all hosts on the store share, such as the key of rewritten reverse-paths.
secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)

# What hosts of the version before may still use: see migrating.py.
compatibility = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("oldest", Text, nullable=False),
)

# SQLite's feed counts its commits here, so that a process knows which datagrams it missed.
feed_counter = Table(
    "feed_counter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
