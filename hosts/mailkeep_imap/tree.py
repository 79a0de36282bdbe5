"""The names that a user sees, and what LIST says of each (RFC 9051 section 7.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mailkeep.imap.commands.list import SelectOption
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, Mailbox, SpecialUse
from mailkeep.model.rights import ALL, NONE, Rights
from mailkeep_imap.access import Reached

SPECIAL_USES = {
    SpecialUse.DRAFTS: "\\Drafts",
    SpecialUse.SENT: "\\Sent",
    SpecialUse.JUNK: "\\Junk",
    SpecialUse.TRASH: "\\Trash",
    SpecialUse.ARCHIVE: "\\Archive",
}


class Tree:
    """The names that a user sees: mailboxes, one's own and others', and subscribed names that need not exist.
    The names above others' mailboxes are there and are no mailboxes."""

    def __init__(
        self, own: Sequence[Mailbox], subscribed: Sequence[str], shared: Sequence[Reached] = ()
    ) -> None:
        foreign = {reached.mailbox.name: reached.mailbox for reached in shared}
        above = {name: _name_alone(name) for name in parents_of(foreign)}
        others_sorted = sorted({**above, **foreign}.items())
        self.mailboxes: Mapping[str, Mailbox] = {
            **{mailbox.name: mailbox for mailbox in own},
            **dict(others_sorted),
        }
        self._rights = {reached.mailbox.name: reached.rights for reached in shared}
        self.subscribed = frozenset(subscribed)
        self.parents = parents_of(self.mailboxes)
        others = (self.subscribed | parents_of(subscribed)) - self.mailboxes.keys()
        self.names: Sequence[str] = [*self.mailboxes, *sorted(others)]

    def rights_in(self, name: str) -> Rights:
        """What the user may do there; nothing where there is no mailbox."""
        mailbox = self.mailboxes.get(name)
        return NONE if mailbox is None or not mailbox.id else self._rights.get(name, ALL)

    def meets(self, name: str, option: SelectOption) -> bool:
        """True if a name meets one selection option."""
        mailbox = self.mailboxes.get(name)
        if option is SelectOption.SUBSCRIBED:
            return name in self.subscribed
        return mailbox is not None and mailbox.special_use is not None

    def is_chosen(self, name: str, criteria: Sequence[SelectOption]) -> bool:
        """True if a name meets all of them; without any, if it exists."""
        return all(self.meets(name, option) for option in criteria) and (
            bool(criteria) or name in self.mailboxes
        )

    def chosen_below(self, name: str, criteria: Sequence[SelectOption]) -> bool:
        """True if a name below this one meets all of them."""
        prefix = name + HIERARCHY_DELIMITER
        return any(other.startswith(prefix) and self.is_chosen(other, criteria) for other in self.names)


def _name_alone(name: str) -> Mailbox:
    """What stands above others' mailboxes."""
    return Mailbox(0, 0, name, 0, 0, 0, "", subscribed=False, selectable=False)


def attributes(mailbox: Mailbox | None, has_children: bool) -> tuple[str, ...]:
    """RFC 9051 section 7.3.1, RFC 3348 and RFC 6154. None: the name does not exist."""
    if mailbox is None:
        return ("\\NonExistent",)
    words = [] if mailbox.selectable else ["\\Noselect"]
    words.append("\\HasChildren" if has_children else "\\HasNoChildren")
    if mailbox.special_use is not None:
        words.append(SPECIAL_USES[mailbox.special_use])
    return tuple(words)


def parents_of(names: Iterable[str]) -> frozenset[str]:
    """Every name that another lies below."""
    found: set[str] = set()
    for name in names:
        parent = name.rpartition(HIERARCHY_DELIMITER)[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition(HIERARCHY_DELIMITER)[0]
    return frozenset(found)
