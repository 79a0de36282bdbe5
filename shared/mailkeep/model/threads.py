"""The id of a conversation: made from the name of its first message, so that it needs no table.

Whoever answers names the first message first (RFC 5322 section 3.6.4). A message that names none is the
first of its own conversation; one without a name at all is alone in it.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID, uuid5

REMEMBERED = 4096  # ids of conversations: lists show the same ones again and again

_NAMESPACE = UUID("5f0f3c36-5d5a-4d0e-9b3e-6a1c0d6b7e21")


def root_of(message_id: str, references: str) -> str:
    """The name of the conversation's first message, "" if there is none. `references` are its names with line
    ends between."""
    return references.partition("\n")[0] or message_id


def thread_id(email_id: UUID, root: str) -> UUID:
    """The same for all messages of one root."""
    return _named(root) if root else email_id


@lru_cache(REMEMBERED)
def _named(root: str) -> UUID:
    return uuid5(_NAMESPACE, root)
