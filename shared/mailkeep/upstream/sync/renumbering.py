"""A folder that got a new UIDVALIDITY: its messages are known again by Message-ID and size (RFC 3501
2.3.1.1).

Without this everything would be fetched and stored a second time. What cannot be told apart is paired in
order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from mailkeep.errors import MailboxNotFound
from mailkeep.model.message import MessageSummary
from mailkeep.model.upstream import FetchedMessage
from mailkeep.storage.interface import Column, Store

Identity = tuple[str, int]


async def renumbered(
    store: Store, known: Sequence[FetchedMessage], there: Mapping[int, Identity]
) -> Mapping[int, int]:
    """Old UID -> new UID, for messages that are still there and still here. Raises StoreUnavailable."""
    here = await _identities(store, known)
    free: dict[Identity, deque[int]] = defaultdict(deque)
    for uid, identity in sorted(there.items()):
        free[identity].append(uid)
    return {
        one.remote_uid: free[here[one.remote_uid]].popleft()
        for one in known
        if one.remote_uid in here and free.get(here[one.remote_uid])
    }


async def _identities(store: Store, known: Sequence[FetchedMessage]) -> Mapping[int, Identity]:
    by_mailbox: dict[int, list[FetchedMessage]] = defaultdict(list)
    for one in known:
        by_mailbox[one.mailbox_id].append(one)
    found: dict[int, Identity] = {}
    for mailbox_id, messages in by_mailbox.items():
        try:
            snapshot = await store.messages.snapshot(mailbox_id)
        except MailboxNotFound:
            continue
        entries = {one.remote_uid: snapshot.entry(one.uid) for one in messages}
        ids = {entry.message_id: entry.size for entry in entries.values() if entry is not None}
        names: dict[int, str] = {}
        async for rows in store.messages.rows(list(ids), [Column.SUMMARY]):
            for message_id, summary in rows:
                assert isinstance(summary, MessageSummary)
                names[message_id] = summary.message_id
        for uid, entry in entries.items():
            if entry is not None and entry.message_id in names:
                found[uid] = (names[entry.message_id], entry.size)
    return found
