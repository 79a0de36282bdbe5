"""LIST with CHILDREN and SPECIAL-USE attributes, LSUB, NAMESPACE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mailkeep.imap.commands.list import List, Lsub, Namespace
from mailkeep.imap.responses import ListData, NamespaceData, NamespaceEntry
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, Mailbox, SpecialUse
from mailkeep_imap.outcome import Done
from mailkeep_imap.patterns import matches

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

_SPECIAL_USE = {
    SpecialUse.DRAFTS: "\\Drafts",
    SpecialUse.SENT: "\\Sent",
    SpecialUse.JUNK: "\\Junk",
    SpecialUse.TRASH: "\\Trash",
    SpecialUse.ARCHIVE: "\\Archive",
}


async def list_mailboxes(session: Session, command: List) -> Done:
    """RFC 9051 section 6.3.9."""
    if command.patterns == ("",) and not command.extended:
        session.send(ListData("", ("\\Noselect",)).encode(session.form))  # the delimiter is what is asked for
        return Done("LIST completed.")
    mailboxes = await session.host.store.mailboxes.list(session.account_id)
    parents = _parents(mailbox.name for mailbox in mailboxes)
    patterns = [command.reference + pattern for pattern in command.patterns]
    for mailbox in mailboxes:
        if any(matches(pattern, mailbox.name) for pattern in patterns):
            session.send(ListData(mailbox.name, attributes(mailbox, parents)).encode(session.form))
    return Done("LIST completed.")


def attributes(mailbox: Mailbox, parents: set[str]) -> tuple[str, ...]:
    """RFC 9051 section 7.3.1, RFC 3348 and RFC 6154."""
    words = [] if mailbox.selectable else ["\\Noselect"]
    words.append("\\HasChildren" if mailbox.name in parents else "\\HasNoChildren")
    if mailbox.special_use is not None:
        words.append(_SPECIAL_USE[mailbox.special_use])
    return tuple(words)


def _parents(names: Iterable[str]) -> set[str]:
    """Every name that another lies below."""
    found: set[str] = set()
    for name in names:
        parent = name.rpartition(HIERARCHY_DELIMITER)[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition(HIERARCHY_DELIMITER)[0]
    return found


async def lsub(session: Session, command: Lsub) -> Done:
    """RFC 3501 section 6.3.9. A name that is subscribed only below is shown once, as \\Noselect, when `%`
    ends at it."""
    store = session.host.store.mailboxes
    subscribed = await store.subscriptions(session.account_id)
    existing = {mailbox.name: mailbox for mailbox in await store.list(session.account_id)}
    pattern = command.reference + command.pattern
    for name, itself in _lsub_names(subscribed, pattern):
        known = existing.get(name)
        plain = itself and known is not None and known.selectable
        words = () if plain else ("\\Noselect",)
        session.send(ListData(name, words, lsub=True).encode(session.form))
    return Done("LSUB completed.")


def _lsub_names(subscribed: Sequence[str], pattern: str) -> list[tuple[str, bool]]:
    """(name, True if it is subscribed itself), sorted."""
    found = {name: True for name in subscribed if matches(pattern, name)}
    if pattern.endswith("%"):
        for parent in _parents(subscribed):
            if matches(pattern, parent):
                found.setdefault(parent, False)
    return sorted(found.items())


async def namespace(session: Session, command: Namespace) -> Done:
    """RFC 9051 section 6.3.10: one personal namespace, and nothing shared."""
    session.send(NamespaceData(personal=(NamespaceEntry(""),)).encode(session.form))
    return Done("NAMESPACE completed.")
