"""Object ids (RFC 8474): names that stay the same wherever a message is copied or a mailbox is renamed."""

from __future__ import annotations

from uuid import UUID


def object_id(email_id: UUID) -> str:
    """A message's EMAILID (RFC 8474 section 4: at most 255 characters, letters, digits, "-" and "_")."""
    return f"M{email_id.hex}"
