"""Where a mailbox name leads, and what the user may do there (RFC 4314, RFC 2342).

A user's own mailboxes have no prefix; those of others lie below "Other Users/<their address>/". Whoever may
not know of a mailbox hears that there is none. Every command that names a mailbox finds it through here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailkeep.errors import InvalidName, MailboxNotFound, PermissionRefused, StoreUnavailable
from mailkeep.model.address import Address
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, Mailbox
from mailkeep.model.rights import ALL, CREATE, READ, Rights
from mailkeep.storage.interface import SharedMailbox, Topic, TopicKind
from mailkeep_imap.selected import Selected

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

OTHER_USERS = "Other Users"
PREFIX = OTHER_USERS + HIERARCHY_DELIMITER

_OWNER_AND_NAME = re.compile(r"(.+?@[^/]+)/(.+)", re.DOTALL)  # a local part may hold a slash


@dataclass(frozen=True, slots=True)
class Reached:
    """A mailbox under the name by which this user calls it; `own_name` is what its owner calls it."""

    mailbox: Mailbox
    rights: Rights
    own_name: str

    def require(self, *needed: str) -> None:
        """Raises PermissionRefused unless all of these rights are there."""
        if not self.rights.issuperset(needed):
            raise PermissionRefused("You may not do that in this mailbox.")


def is_foreign(name: str) -> bool:
    """True for what lies among other users' mailboxes, whether it is there or not."""
    return name == OTHER_USERS or name.startswith(PREFIX)


async def reach(session: Session, name: str, *needed: str) -> Reached:
    """The mailbox of that name. Raises MailboxNotFound, PermissionRefused."""
    if not is_foreign(name):
        mailbox = await session.host.store.mailboxes.get(session.account_id, name)
        return Reached(mailbox, ALL, mailbox.name)
    owner, own_name = _taken_apart(name)
    shared = await session.host.store.sharing.find(session.account_id, owner, own_name)
    if shared.mailbox.account_id == session.account_id:  # it has a name already
        raise MailboxNotFound("There is no mailbox of that name.")
    reached = Reached(as_seen(shared), shared.rights, shared.mailbox.name)
    reached.require(*needed)
    return reached


async def place_for(session: Session, name: str) -> tuple[int, str]:
    """The account in which a mailbox of that name is to be made, and its name there: in somebody else's if
    the nearest mailbox above it permits (RFC 4314 section 4). Raises PermissionRefused."""
    if not is_foreign(name):
        return session.account_id, name
    try:
        owner, own_name = _taken_apart(name)
    except MailboxNotFound:
        raise PermissionRefused("That is where the mailboxes of other users are shown.") from None
    parts = own_name.split(HIERARCHY_DELIMITER)
    for depth in range(len(parts) - 1, 0, -1):
        above = HIERARCHY_DELIMITER.join(parts[:depth])
        try:
            reached = await reach(session, _joined(owner, above), CREATE)
        except MailboxNotFound:
            continue
        if depth < len(parts) - 1:
            below = HIERARCHY_DELIMITER.join(parts[: depth + 1])
            await _require_absent(session, reached.mailbox.account_id, below)
        return reached.mailbox.account_id, own_name
    raise PermissionRefused("You may not make mailboxes there.")


async def _require_absent(session: Session, account_id: int, name: str) -> None:
    """Between what the user sees and what is to be made nothing may be that they do not see."""
    try:
        await session.host.store.mailboxes.get(account_id, name)
    except MailboxNotFound:
        return
    raise PermissionRefused("You may not make mailboxes there.")


async def shared_mailboxes(session: Session) -> Sequence[Reached]:
    """What others share with this user, under the names by which the user calls it."""
    found = await session.host.store.sharing.shared_with(session.account_id)
    return [Reached(as_seen(shared), shared.rights, shared.mailbox.name) for shared in found]


def as_seen(shared: SharedMailbox) -> Mailbox:
    """Somebody else's mailbox as this user sees it. Its use is its owner's business: a client that found two
    mailboxes for what is sent might take the wrong one."""
    name = _joined(shared.owner, shared.mailbox.name)
    return replace(shared.mailbox, name=name, special_use=None, subscribed=False)


async def follow(session: Session, view: Selected) -> None:
    """Have a session in somebody else's mailbox keep to its rights there, now and when they change."""
    topic, account_id = Topic(TopicKind.ACCESS, str(view.mailbox_id)), session.account_id

    def changed() -> None:
        session.host.tasks.spawn(_look_again(session, view, account_id), "imap rights", session.context)

    view.unwatch = session.host.store.feed.watch(topic, changed)
    await _look_again(session, view, account_id)  # what changed before the watch began


async def _look_again(session: Session, view: Selected, account_id: int) -> None:
    try:
        rights = await session.host.store.sharing.rights(view.mailbox_id, account_id)
    except StoreUnavailable:  # who cannot be told whether it may go on does not
        rights = Rights(frozenset())
    if session.selected is not view:
        return
    view.rights = rights
    if READ not in rights:
        session.close("Your access to this mailbox has ended.")


def _taken_apart(name: str) -> tuple[Address, str]:
    found = _OWNER_AND_NAME.fullmatch(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    if found is None:
        raise MailboxNotFound("There is no mailbox of that name.")
    try:
        return Address.parse(found[1]), found[2]
    except InvalidName:
        raise MailboxNotFound("There is no mailbox of that name.") from None


def _joined(owner: Address | str, name: str) -> str:
    return f"{PREFIX}{owner}{HIERARCHY_DELIMITER}{name}"
