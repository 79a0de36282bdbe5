"""What an account's Sent mailbox says of a message that may have been sent. In the connection's thread."""

from __future__ import annotations

from typing import Any

from mailkeep.upstream.sync import remote

NAMES = ("sent", "sent items", "sent messages", "sent mail", "inbox/sent", "[gmail]/sent mail")
FOUND_LIMIT = 100  # copies of one message that are looked at


def attempts_in_sent(client: Any, message_id: str, field: str) -> frozenset[str]:
    """The values of `field` in the copies of a message in Sent; none if there is no such mailbox."""
    uids = _copies(client, message_id)
    if not uids:
        return frozenset()
    rows = client.fetch(uids, [f"BODY.PEEK[HEADER.FIELDS ({field.upper()})]"])
    return frozenset(
        value.partition(b":")[2].strip().decode("ascii", "replace")
        for row in rows.values()
        for name, value in row.items()
        if name.startswith(b"BODY[HEADER.FIELDS") and isinstance(value, bytes)
    )


def lies_in_sent(client: Any, message_id: str) -> bool:
    """True if Sent has a copy of a message."""
    return bool(_copies(client, message_id))


def _copies(client: Any, message_id: str) -> list[int]:
    folder = sent_folder(client)
    if folder is None:
        return []
    remote.select(client, folder, writes=False, tells_vanished=False)
    uids: list[int] = client.search(["HEADER", "Message-ID", f"<{message_id}>"])[-FOUND_LIMIT:]
    return uids


def sent_folder(client: Any) -> str | None:
    """RFC 6154's attribute, else one of the usual names."""
    folders = remote.folders(client)
    for name, (_, attributes) in folders.items():
        if "\\sent" in attributes:
            return name
    return next((name for name, (plain, _) in folders.items() if plain.lower() in NAMES), None)
