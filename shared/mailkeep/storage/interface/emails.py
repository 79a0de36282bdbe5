"""Messages of a whole account, as the API lists them. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from mailkeep.model.flags import Flags
from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.order import Order


class EmailRow(NamedTuple):
    """One message as the API lists it. `mailbox_id` and `uid` name the caller's own entry; `thread_id` is the
    same for all messages whose References begin with the same one. A tuple, which is made in a quarter of a
    frozen dataclass's time: lists make thousands of them a second."""

    email_id: UUID
    message_id: int
    mailbox_id: int
    mailbox: str
    uid: int
    flags: Flags
    received_at: datetime
    size: int
    header_message_id: str
    subject: str
    from_address: str
    from_name: str
    attachment_count: int
    preview: str
    thread_id: UUID


@dataclass(frozen=True, slots=True)
class EmailPage:
    """What `Emails.page` gives, and the `list_state` of the same moment."""

    rows: Sequence[EmailRow]
    total: int
    unread: int
    state: Hashable


@dataclass(frozen=True, slots=True)
class EmailFilter:
    """Which of an account's messages are meant; every condition that is set must hold.

    Without `special_use` those that `Emails.page` lists, else those in the mailbox of that use. Moments are
    inclusive and of `received_at`; `from_addresses` are compared as stored, `keyword` in any case. A message
    that lies there several times is meant once, if one of its entries is as wanted.
    """

    special_use: SpecialUse | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_attachments: bool | None = None
    is_read: bool | None = None
    from_addresses: tuple[str, ...] | None = None
    keyword: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A message whose entry changed, and whether it is read now."""

    email_id: UUID
    is_read: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that has come into the list of received mail, and its date."""

    email_id: UUID
    received_at: datetime
    from_address: str
    from_name: str
    subject: str
    has_attachments: bool


@dataclass(frozen=True, slots=True)
class AccountNews:
    """What happened to an account's messages. `heads` are the HIGHESTMODSEQ of its mailboxes, to ask from the
    next time; `grown` says that entries came, `arrived` which are new mail. If it is not `complete`, more
    happened than is told."""

    heads: Mapping[int, int]
    unread: int
    updated: Sequence[Marked] = ()
    deleted: Sequence[UUID] = ()
    grown: bool = False
    complete: bool = True
    arrived: Sequence[Arrived] = ()


class Emails(Protocol):
    """The account-wide view, newest first, that the API and MCP show."""

    async def page(
        self, account_id: int, offset: int, limit: int, mailbox: str | None = None
    ) -> tuple[Sequence[EmailRow], int, int]:
        """(rows, total, unread in the whole account). Without `mailbox`: all but Sent, Drafts, Junk and
        Trash. Newest `received_at` first, then by id. A message that lies there several times is listed
        and counted once."""

    async def page_of_state(self, account_id: int, offset: int, limit: int) -> EmailPage:
        """A page of all received mail, together with what it depends on."""

    async def list_state(self, account_id: int) -> Hashable:
        """What every `page` of the account depends on: while this is the same, so are they. A fraction of a
        page's work, for those who keep what they made of one."""

    async def get(self, account_id: int, email_id: UUID) -> EmailRow:
        """One message of the account by its id. Raises NotFound, also for what is another's."""

    async def entries(self, account_id: int, email_ids: Collection[UUID]) -> Sequence[EmailRow]:
        """Every entry that the account has of these messages, in whatever mailbox; what is another's or
        nobody's is left out."""

    async def count(self, account_id: int, which: EmailFilter) -> tuple[int, int]:
        """(messages, octets) that the filter means."""

    async def find(
        self,
        account_id: int,
        which: EmailFilter,
        offset: int,
        limit: int,
        after: EmailRow | None = None,
        *,
        order: Order = Order.NEWEST,
    ) -> Sequence[EmailRow]:
        """The same in pages, newest `received_at` first unless another order is wanted: then all that the
        filter means is read. With `after`, counted from the entry that follows that row, newest first: pages
        read so neither repeat nor miss what was there from the first on."""

    async def thread(self, account_id: int, wanted: UUID, limit: int) -> Sequence[EmailRow]:
        """The messages that References join to one with this thread's id or with this id of its own, itself
        included, oldest first, each once; the newest `limit` if there are more. Sent ones belong to it,
        Drafts, Junk and Trash do not. Empty if the account has no such message."""

    async def senders(self, account_id: int, special_use: SpecialUse) -> Sequence[str]:
        """The From addresses in the mailbox of that use, each once, sorted."""

    async def with_keyword(self, account_id: int, keyword: str) -> Sequence[tuple[int, int]]:
        """(mailbox id, UID) of every entry of the account that has the keyword, in whatever mailbox."""

    async def news(self, account_id: int, since: Mapping[int, int] | None = None) -> AccountNews:
        """What happened since those heads; without, the heads to begin with. A mailbox that `since` does not
        know is taken for one that was made since."""

    async def unread(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Unread messages in each user's whole account; unknown users are left out."""
