"""Unique-ids for UIDL (RFC 1939 section 7).

A unique-id is `UIDVALIDITY.UID` of the message's entry in INBOX. IMAP already promises that the pair
never comes to mean another message (RFC 9051 section 2.3.1.1), in this session or any later one, and it lies
in the maildrop's own arrays: it costs no column and no hash, and is stable for ever without being stored.
"""

from __future__ import annotations


def unique_id(uidvalidity: int, uid: int) -> str:
    """At most 21 of the 70 printable characters that the RFC allows."""
    return f"{uidvalidity}.{uid}"
