"""Which mailboxes NOTIFY and ESEARCH are about (RFC 5465 section 6, RFC 7377 section 2.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from mailkeep.imap.encoder import sent_mailbox
from mailkeep.imap.errors import ImapLimitExceeded
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

NAMES_LIMIT = 1000  # mailboxes that one filter names


class FilterKind(Enum):
    """The words of the grammar."""

    SELECTED = "SELECTED"
    SELECTED_DELAYED = "SELECTED-DELAYED"
    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"
    MAILBOXES = "MAILBOXES"


NAMING = frozenset({FilterKind.SUBTREE, FilterKind.SUBTREE_ONE, FilterKind.MAILBOXES})
OF_SELECTED = frozenset({FilterKind.SELECTED, FilterKind.SELECTED_DELAYED})


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """`mailboxes` are names as they are, without wildcards, for the kinds in NAMING."""

    kind: FilterKind
    mailboxes: tuple[str, ...] = ()

    def encode(self, form: NameForm) -> bytes:
        """`subtree (a b)`."""
        word = self.kind.value.encode("ascii")
        if not self.mailboxes:
            return word
        return b"%b (%b)" % (word, b" ".join(sent_mailbox(name, form) for name in self.mailboxes))


def parse_filter(cursor: Cursor, permitted: Collection[FilterKind]) -> MailboxFilter:
    """`filter-mailboxes`."""
    word = cursor.word()
    kind = _KINDS.get(word)
    if kind is None or kind not in permitted:
        cursor.unknown("kind of mailboxes")
    if kind not in NAMING:
        return MailboxFilter(kind)
    cursor.space()
    names = cursor.list_of(cursor.mailbox) if cursor.next_is(b"(") else (cursor.mailbox(),)
    if len(names) > NAMES_LIMIT:
        raise ImapLimitExceeded(f"At most {NAMES_LIMIT} mailboxes can be named.")
    return MailboxFilter(kind, names)


_KINDS = {kind.value: kind for kind in FilterKind}
