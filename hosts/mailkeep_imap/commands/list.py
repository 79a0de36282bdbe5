"""LIST with its extensions (RFC 5258, 5819, 6154), LSUB, NAMESPACE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mailkeep.imap.commands.list import List, Lsub, Namespace, ReturnOption, SelectOption
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import (
    ListData,
    MetadataData,
    MyRightsData,
    NamespaceData,
    NamespaceEntry,
    StatusData,
)
from mailkeep.model.rights import READ, shown_rights
from mailkeep_imap.access import PREFIX, is_foreign, shared_mailboxes
from mailkeep_imap.commands import metadata
from mailkeep_imap.commands.mailbox import status_value
from mailkeep_imap.commands.metadata import may_annotate
from mailkeep_imap.outcome import Done
from mailkeep_imap.patterns import matches
from mailkeep_imap.tree import Tree, attributes, parents_of

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

SHOWN_BATCH = 100  # names between two looks at whether the client takes them

Annotations = Mapping[int, Mapping[str, bytes]]
_CRITERIA = (SelectOption.SUBSCRIBED, SelectOption.SPECIAL_USE)


async def list_mailboxes(session: Session, command: List) -> Done:
    """RFC 9051 section 6.3.9."""
    if command.patterns == ("",) and not command.extended:
        session.send(ListData("", ("\\Noselect",)).encode(session.form))  # the delimiter is what is asked for
        return Done("LIST completed.")
    _check(command)
    patterns = [command.reference + pattern for pattern in command.patterns]
    tree = await _tree(session, command, patterns)
    matching = [name for name in tree.names if any(matches(pattern, name) for pattern in patterns)]
    for start in range(0, len(matching), SHOWN_BATCH):
        names = matching[start : start + SHOWN_BATCH]
        annotations = await _annotations(session, command, tree, names)
        for name in names:
            await _show(session, command, tree, name, annotations)
        await session.output.make_room()
    return Done("LIST completed.")


async def _tree(session: Session, command: List, patterns: Sequence[str]) -> Tree:
    store = session.host.store.mailboxes
    own = await store.list(session.account_id)
    shared = await shared_mailboxes(session) if any(map(may_be_foreign, patterns)) else ()
    asks = SelectOption.SUBSCRIBED in command.select
    asks = asks or (bool(shared) and ReturnOption.SUBSCRIBED in command.returns)
    return Tree(own, await store.subscriptions(session.account_id) if asks else (), shared)


def may_be_foreign(pattern: str) -> bool:
    """True if a pattern may match a name among other users' mailboxes."""
    literal = re.split("[*%]", pattern, maxsplit=1)[0]
    return PREFIX.startswith(literal) or literal.startswith(PREFIX)


async def _annotations(session: Session, command: List, tree: Tree, names: Sequence[str]) -> Annotations:
    """What LIST shows of the mailboxes of these names (RFC 9590)."""
    if not command.metadata:
        return {}
    ids = [tree.mailboxes[name].id for name in names if may_annotate(tree.rights_in(name))]
    annotations = session.host.store.annotations
    return await annotations.get(session.account_id, ids, metadata.spellings(command.metadata))


def _check(command: List) -> None:
    criteria = [option for option in command.select if option in _CRITERIA]
    if SelectOption.RECURSIVEMATCH in command.select and not criteria:  # RFC 5258 section 3.1
        raise ImapSyntaxError("RECURSIVEMATCH needs another selection option.", command.tag)


async def _show(session: Session, command: List, tree: Tree, name: str, annotations: Annotations) -> None:
    criteria = [option for option in command.select if option in _CRITERIA]
    child_info: tuple[str, ...] = ()
    if SelectOption.RECURSIVEMATCH in command.select and tree.chosen_below(name, criteria):
        child_info = tuple(option.value for option in criteria)
    if not child_info and not tree.is_chosen(name, criteria):
        return
    mailbox = tree.mailboxes.get(name)
    words = attributes(mailbox, name in tree.parents)
    wants_subscribed = SelectOption.SUBSCRIBED in command.select or ReturnOption.SUBSCRIBED in command.returns
    if wants_subscribed and (name in tree.subscribed or (mailbox is not None and mailbox.subscribed)):
        words = (*words, "\\Subscribed")
    session.send(ListData(name, words, child_info=child_info).encode(session.form))
    may_read = READ in tree.rights_in(name)
    if command.status and mailbox is not None and mailbox.selectable and may_read:  # RFC 5819 section 2
        items = [(item, await status_value(session, mailbox, item)) for item in command.status]
        session.send(StatusData(name, tuple(items)).encode(session.form))
    rights = tree.rights_in(name)
    if ReturnOption.MYRIGHTS in command.returns and rights:  # RFC 8440 section 3
        session.send(MyRightsData(name, shown_rights(rights)).encode(session.form))
    if command.metadata and mailbox is not None and may_annotate(rights):  # RFC 9590 section 3
        asked = metadata.spellings(command.metadata)
        entries = tuple(metadata.pairs(asked, annotations.get(mailbox.id, {}), asked))
        session.send(MetadataData(name, entries).encode(session.form))


async def lsub(session: Session, command: Lsub) -> Done:
    """RFC 3501 section 6.3.9. A name that is subscribed only below is shown once, as \\Noselect, when `%`
    ends at it."""
    store = session.host.store.mailboxes
    subscribed = await store.subscriptions(session.account_id)
    existing = {mailbox.name: mailbox for mailbox in await store.list(session.account_id)}
    if any(map(is_foreign, subscribed)):
        existing |= {one.mailbox.name: one.mailbox for one in await shared_mailboxes(session)}
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
        for parent in parents_of(subscribed):
            if matches(pattern, parent):
                found.setdefault(parent, False)
    return sorted(found.items())


async def namespace(session: Session, command: Namespace) -> Done:
    """RFC 9051 section 6.3.10: one's own mailboxes, and those of other users."""
    data = NamespaceData(personal=(NamespaceEntry(""),), other_users=(NamespaceEntry(PREFIX),))
    session.send(data.encode(session.form))
    return Done("NAMESPACE completed.")
