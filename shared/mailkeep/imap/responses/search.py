"""The results of SEARCH, SORT and ESEARCH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mailkeep.imap.encoder import mailbox, quoted, uid_sequence, uid_set
from mailkeep.imap.names import LEGACY, NameForm
from mailkeep.model.uids import UidSet

_SPACED = bytes.maketrans(b",", b" ")


@dataclass(frozen=True, slots=True)
class SearchData:
    """RFC 3501 section 7.2.5; `modseq` by RFC 7162 section 3.1.5. SORT (RFC 5256) has the same form."""

    numbers: tuple[int, ...] = ()
    modseq: int | None = None
    sort: bool = False

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        word = b"* SORT" if self.sort else b"* SEARCH"
        numbers = b" " + _numbers(self.numbers) if self.numbers else b""
        modseq = b"" if self.modseq is None else b" (MODSEQ %d)" % self.modseq
        return b"%b%b%b\r\n" % (word, numbers, modseq)


@dataclass(frozen=True, slots=True)
class EsearchData:
    """RFC 9051 section 7.3.6. What was not asked for, or has no value, is None. `partial` is the range as
    asked and what it holds, or None for NIL (RFC 9394 section 3.1). Where SORT's order matters, `in_order`
    takes the place of ALL's set, and numbers that of PARTIAL's (RFC 5267 section 3.1)."""

    tag: str | None = None
    uid: bool = False
    minimum: int | None = None
    maximum: int | None = None
    all: UidSet | None = None
    count: int | None = None
    modseq: int | None = None
    partial: tuple[str, UidSet | tuple[int, ...] | None] | None = None
    in_order: tuple[int, ...] = ()
    mailbox: str | None = None  # with uidvalidity, of ESEARCH in several mailboxes (RFC 7377 section 2.1)
    uidvalidity: int | None = None
    add_to: tuple[tuple[int, UidSet], ...] = ()  # (context position, what comes; RFC 5267 section 4.3.3)
    remove_from: tuple[tuple[int, UidSet], ...] = ()
    relevancy: tuple[int, ...] = ()  # of ALL's messages or PARTIAL's, in their order (RFC 6203 section 4)

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        words = [b"* ESEARCH"]
        correlators = self._correlators(form)
        if correlators:
            words.append(b"(%b)" % b" ".join(correlators))
        if self.uid:
            words.append(b"UID")
        for word, number in ((b"MIN", self.minimum), (b"MAX", self.maximum), (b"COUNT", self.count)):
            if number is not None:
                words.append(b"%b %d" % (word, number))
        if self.all:
            words.append(b"ALL " + uid_set(self.all))
        elif self.in_order:
            words.append(b"ALL " + uid_sequence(self.in_order))
        if self.partial is not None:
            words.append(b"PARTIAL (%b %b)" % (self.partial[0].encode("ascii"), _results(self.partial[1])))
        if self.relevancy:
            words.append(b"RELEVANCY (%b)" % b" ".join(b"%d" % score for score in self.relevancy))
        for word, moved in ((b"REMOVEFROM", self.remove_from), (b"ADDTO", self.add_to)):
            if moved:
                words.append(b"%b (%b)" % (word, b" ".join(b"%d %b" % (at, uid_set(m)) for at, m in moved)))
        if self.modseq is not None:
            words.append(b"MODSEQ %d" % self.modseq)
        return b" ".join(words) + b"\r\n"

    def _correlators(self, form: NameForm) -> list[bytes]:
        words = []
        if self.tag is not None:
            words.append(b"TAG " + quoted(self.tag.encode("ascii")))
        if self.mailbox is not None:
            words.append(b"MAILBOX " + mailbox(self.mailbox, form))
        if self.uidvalidity is not None:
            words.append(b"UIDVALIDITY %d" % self.uidvalidity)
        return words


def _results(found: UidSet | tuple[int, ...] | None) -> bytes:
    if not found:
        return b"NIL"
    return uid_set(found) if isinstance(found, UidSet) else uid_sequence(found)


def _numbers(numbers: Sequence[int]) -> bytes:
    """With a space between. There may be a hundred thousand: as JSON they take a tenth of the time that they
    would one by one."""
    return msgspec.json.encode(numbers)[1:-1].translate(_SPACED)
