"""The tables, once for both databases, as SQLAlchemy Core metadata, a file for each concern.

Queries are built on these and the migrations are compared with them by a test. Conventions: moments are
integers, microseconds since 1970 in UTC, so that both databases hold and compare the same; ids that
leave the store are UUIDs; lists of words are text with one space between; what may grow has no index
that a flag change would have to touch. PostgreSQL's storage parameters are named by the migrations alone:
one of them here would load its dialect into every process at start.
"""

from __future__ import annotations

from mailkeep.storage.tables.access import api_key, audit, greylist
from mailkeep.storage.tables.arrangements import label, mail_filter, preference, push_subscription
from mailkeep.storage.tables.columns import metadata
from mailkeep.storage.tables.hosts import compatibility, feed_counter, outbox, outbox_page, push_claim, secret
from mailkeep.storage.tables.mailboxes import acl, annotation, mailbox, subscription, url_secret
from mailkeep.storage.tables.messages import (
    blob,
    blob_chunk,
    blob_object,
    change,
    entry,
    message,
    message_sent,
    object_leaving,
    saved_snapshot,
    text_segment,
)
from mailkeep.storage.tables.owners import account, address, address_proof, alias, domain, user
from mailkeep.storage.tables.queue import queue_message, queue_recipient
from mailkeep.storage.tables.upstream import upstream_account, upstream_folder, upstream_message

__all__ = [
    "account",
    "acl",
    "address",
    "address_proof",
    "alias",
    "annotation",
    "api_key",
    "audit",
    "blob",
    "blob_chunk",
    "blob_object",
    "change",
    "compatibility",
    "domain",
    "entry",
    "feed_counter",
    "greylist",
    "label",
    "mail_filter",
    "mailbox",
    "message",
    "message_sent",
    "metadata",
    "object_leaving",
    "outbox",
    "outbox_page",
    "preference",
    "push_claim",
    "push_subscription",
    "queue_message",
    "queue_recipient",
    "saved_snapshot",
    "secret",
    "subscription",
    "text_segment",
    "upstream_account",
    "upstream_folder",
    "upstream_message",
    "url_secret",
    "user",
]
