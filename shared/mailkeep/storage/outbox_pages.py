"""Pages of the outbox: the notifications of one commit, packed into one row, and who tells them.

A row for each notification, written, claimed and removed, costs PostgreSQL a tenth of its deliveries. And
whoever has committed a page mostly tells it too: so it is leased to its process when it is written, and that
process keeps it in memory until it is told. When the process dies the lease ends.

Nothing here waits or knows a database; a page that is kept nowhere is still in the table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from mailkeep.model.message import Origin
from mailkeep.storage import tables
from mailkeep.storage.database import Row
from mailkeep.storage.interface import OutboxItem, OutboxPage
from mailkeep.storage.query import BulkInsert
from mailkeep.storage.values import as_datetime, new_uuid, now

PAGE_ITEMS = 100  # at most: a request to the API takes some pages
HELD_PAGES = 1024  # past that, those that come are left to whoever claims them

INSERT = BulkInsert(tables.outbox_page)

Notice = tuple[bytes, bytes, int, str, str, str, bool, str, str]
"""User and message, as octets of their UUIDs; created at; the sender's address and name; subject; whether
there are attachments; the origin's mail id and traceparent."""

Identified = tuple[bytes, bytes, bytes, int, str, str, str, bool, str, str]
"""The same behind the octets of its own id."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Identified])


class Page(NamedTuple):
    """One row, before it is packed."""

    id: UUID
    leased_until: int
    items: Sequence[Identified]

    def columns(self) -> Row:
        """In the order of the table."""
        created_at = self.items[0][3]
        return self.id, created_at, self.leased_until, len(self.items), _encoder.encode(self.items)

    def unpacked(self) -> OutboxPage:
        """As it is told."""
        return OutboxPage(self.id, tuple(map(_item, self.items)))


def unpacked(page_id: UUID, packed: bytes) -> OutboxPage:
    """A row that was read."""
    return OutboxPage(page_id, tuple(map(_item, _decoder.decode(packed))))


def pages_of(notices: Sequence[Notice], leased_until: int) -> Iterator[Page]:
    """As many pages as it takes. Items' ids are the page's own, but for the number of each."""
    for start in range(0, len(notices), PAGE_ITEMS):
        page_id = new_uuid()
        items = [
            ((page_id.int ^ number).to_bytes(16, "big"), *notice)
            for number, notice in enumerate(notices[start : start + PAGE_ITEMS])
        ]
        yield Page(page_id, leased_until, items)


class HeldPages:
    """The pages that this process has committed and will tell, once somebody in it has taken that on."""

    def __init__(self) -> None:
        self._pages: deque[Page] = deque()
        self._lease = 0
        self._came: Callable[[], None] | None = None

    def open(self, lease_seconds: float, came: Callable[[], None]) -> None:
        """Hold what is committed from now on; `came` is called, on the loop, when there is some to take."""
        self._lease = int(lease_seconds * 1_000_000)
        self._came = came

    def close(self) -> Sequence[Page]:
        """Lease no more; those that nobody has taken. What is just being committed may still come."""
        left = list(self._pages)
        self._pages.clear()
        self._lease = 0
        return left

    def leased_until(self) -> int:
        """What a page that is written now says of itself; 0 leaves it to whoever claims it."""
        return now() + self._lease if self._lease and len(self._pages) < HELD_PAGES else 0

    def add(self, pages: Iterable[Page]) -> None:
        """They are committed. What is not leased to us is anybody's."""
        self._pages.extend(page for page in pages if page.leased_until)
        if self._pages and self._came is not None:
            self._came()

    def take(self, most: int) -> list[Page]:
        """The oldest, so many at most."""
        return [self._pages.popleft() for _ in range(min(most, len(self._pages)))]


def _item(row: Identified) -> OutboxItem:
    item_id, user_id, email_id, created_at, address, name, subject, has_attachments, mail_id, trace = row
    return OutboxItem(
        id=UUID(bytes=item_id),
        user_id=UUID(bytes=user_id),
        email_id=UUID(bytes=email_id),
        created_at=as_datetime(created_at),
        from_address=address,
        from_name=name,
        subject=subject,
        has_attachments=has_attachments,
        origin=Origin(mail_id, trace),
    )
