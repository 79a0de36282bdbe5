"""The mailboxes that NOTIFY and ESEARCH mean, of those that the user may read (RFC 5465 section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailkeep.imap.commands.mailbox_filters import NAMING, FilterKind, MailboxFilter
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, INBOX
from mailkeep.model.rights import ALL, LOOKUP, READ
from mailkeep_imap.access import Reached, is_foreign, shared_mailboxes

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


@dataclass(frozen=True, slots=True)
class Reachable:
    """All mailboxes that can be selected, by the names that the user calls them, and subscribed names."""

    own: Mapping[str, Reached]
    shared: Mapping[str, Reached]
    subscribed: frozenset[str]

    def meant_by(self, wanted: MailboxFilter) -> Iterable[Reached]:
        """Those of a filter, but for the selected mailbox. Names that lead nowhere are left out."""
        everything = {**self.own, **self.shared}
        if wanted.kind in (FilterKind.PERSONAL, FilterKind.INBOXES):  # section 6.3 permits them to be one
            return self.own.values()
        if wanted.kind is FilterKind.SUBSCRIBED:
            return [reached for name, reached in everything.items() if name in self.subscribed]
        if wanted.kind not in NAMING:
            return ()
        return [reached for name, reached in everything.items() if means_name(wanted, name)]


def means_name(wanted: MailboxFilter, name: str, subscribed: frozenset[str] = frozenset()) -> bool:
    """True if a filter means whatever has that name, now or once."""
    if wanted.kind in (FilterKind.PERSONAL, FilterKind.INBOXES):
        return not is_foreign(name)
    if wanted.kind is FilterKind.SUBSCRIBED:
        return name in subscribed
    named = {_spelled(one) for one in wanted.mailboxes}
    return name in named or _is_below(name, named, wanted.kind)


def _spelled(name: str) -> str:
    first, delimiter, rest = name.partition(HIERARCHY_DELIMITER)
    return INBOX + delimiter + rest if first.upper() == INBOX else name


def _is_below(name: str, named: set[str], kind: FilterKind) -> bool:
    above = name.rpartition(HIERARCHY_DELIMITER)[0]
    while above and kind is not FilterKind.MAILBOXES:
        if above in named:
            return True
        above = "" if kind is FilterKind.SUBTREE_ONE else above.rpartition(HIERARCHY_DELIMITER)[0]
    return False


async def reachable(session: Session, filters: Iterable[MailboxFilter]) -> Reachable:
    """What the filters choose from. Others' mailboxes are only read if a filter may mean one."""
    store, kinds = session.host.store, {wanted.kind for wanted in filters}
    own = [box for box in await store.mailboxes.list(session.account_id) if box.selectable]
    shared: Iterable[Reached] = ()
    if FilterKind.SUBSCRIBED in kinds or any(is_foreign(n) for wanted in filters for n in wanted.mailboxes):
        shared = [one for one in await shared_mailboxes(session) if one.rights >= {LOOKUP, READ}]
    subscribed: Iterable[str] = ()
    if FilterKind.SUBSCRIBED in kinds:
        subscribed = await store.mailboxes.subscriptions(session.account_id)
    return Reachable(
        {box.name: Reached(box, ALL, box.name) for box in own},
        {reached.mailbox.name: reached for reached in shared if reached.mailbox.selectable},
        frozenset(subscribed),
    )
