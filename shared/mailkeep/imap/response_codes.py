"""Response codes (RFC 9051 section 7.1) that carry data, as frozen values.

`encode` gives the code without its brackets, as `responses` takes it; a code without data is just its word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailkeep.imap.encoder import flag_list, quoted, sent_astring, uid_sequence, uid_set
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.model.uids import UidSet


@dataclass(frozen=True, slots=True)
class WordCode:
    """A code without data: ALERT, READ-ONLY, TRYCREATE, UNAVAILABLE ..."""

    word: str

    def encode(self) -> bytes:
        """The word."""
        return self.word.encode("ascii")


@dataclass(frozen=True, slots=True)
class NumberCode:
    """UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ and their like."""

    word: str
    number: int

    def encode(self) -> bytes:
        """`UIDNEXT 4392`."""
        return b"%b %d" % (self.word.encode("ascii"), self.number)


@dataclass(frozen=True, slots=True)
class AppendUid:
    """RFC 4315 section 3: the UIDs that the appended messages got, in the order of the command."""

    uidvalidity: int
    uids: tuple[int, ...]

    def encode(self) -> bytes:
        """`APPENDUID 38505 3955`."""
        return b"APPENDUID %d %b" % (self.uidvalidity, uid_sequence(self.uids))


@dataclass(frozen=True, slots=True)
class CopyUid:
    """RFC 4315 section 3: the n-th of `sources` became the n-th of `copies`."""

    uidvalidity: int
    sources: tuple[int, ...]
    copies: tuple[int, ...]

    def encode(self) -> bytes:
        """`COPYUID 38505 304,319:320 3956:3958`."""
        return b"COPYUID %d %b %b" % (
            self.uidvalidity,
            uid_sequence(self.sources),
            uid_sequence(self.copies),
        )


@dataclass(frozen=True, slots=True)
class Modified:
    """RFC 7162 section 3.1.3: messages that STORE with UNCHANGEDSINCE left alone."""

    messages: UidSet

    def encode(self) -> bytes:
        """`MODIFIED 7,9`."""
        return b"MODIFIED " + uid_set(self.messages)


@dataclass(frozen=True, slots=True)
class PermanentFlags:
    """RFC 9051 section 7.1: flags that can be kept; `\\*` means that keywords can be made."""

    flags: tuple[str, ...]

    def encode(self) -> bytes:
        """`PERMANENTFLAGS (\\Deleted \\Seen \\*)`."""
        return b"PERMANENTFLAGS " + flag_list(self.flags)


@dataclass(frozen=True, slots=True)
class CapabilityCode:
    """CAPABILITY in a status response, which saves the client a round trip."""

    capabilities: tuple[str, ...]

    def encode(self) -> bytes:
        """`CAPABILITY IMAP4rev1 ...`."""
        return f"CAPABILITY {' '.join(self.capabilities)}".encode("ascii")


@dataclass(frozen=True, slots=True)
class BadCharsetCode:
    """RFC 9051 section 7.1: the charsets that would do."""

    charsets: tuple[str, ...]

    def encode(self) -> bytes:
        """`BADCHARSET (US-ASCII UTF-8)`."""
        return b"BADCHARSET (%b)" % b" ".join(sent_astring(name.encode("ascii")) for name in self.charsets)


@dataclass(frozen=True, slots=True)
class InProgress:
    """RFC 9585 section 4: the command `tag` has done `progress` of `goal`; None is what is not known."""

    tag: str
    progress: int | None = None
    goal: int | None = None

    def encode(self) -> bytes:
        """`INPROGRESS ("A1" 175 NIL)`."""
        numbers = " ".join("NIL" if number is None else str(number) for number in (self.progress, self.goal))
        return b"INPROGRESS (%b %b)" % (quoted(self.tag.encode("ascii")), numbers.encode("ascii"))


@dataclass(frozen=True, slots=True)
class OtherCode:
    """A code that this engine gives no meaning, with its data as it stands."""

    word: str
    data: bytes

    def encode(self) -> bytes:
        """Word and data."""
        return b"%b %b" % (self.word.encode("ascii"), self.data)


Code = (
    WordCode
    | NumberCode
    | AppendUid
    | CopyUid
    | Modified
    | PermanentFlags
    | CapabilityCode
    | BadCharsetCode
    | InProgress
    | OtherCode
)


def decode_code(octets: bytes) -> Code:
    """A code from what stood between the brackets. Raises ImapSyntaxError if its data cannot be read."""
    cursor = Cursor(octets)
    word = cursor.word()
    if cursor.at_end():
        return BadCharsetCode(()) if word == "BADCHARSET" else WordCode(word)
    cursor.space()
    reader = _READERS.get(word)
    if reader is not None:
        code = reader(cursor)
        cursor.end()
        return code
    data = octets[cursor.at :]
    return NumberCode(word, int(data)) if data.isdigit() and len(data) <= 20 else OtherCode(word, data)


def _append_uid(cursor: Cursor) -> Code:
    uidvalidity = cursor.nz_number()
    cursor.space()
    return AppendUid(uidvalidity, uids_in_order(cursor))


def _copy_uid(cursor: Cursor) -> Code:
    uidvalidity = cursor.nz_number()
    cursor.space()
    sources = uids_in_order(cursor)
    cursor.space()
    return CopyUid(uidvalidity, sources, uids_in_order(cursor))


def _capability(cursor: Cursor) -> Code:
    names = [cursor.atom().decode("ascii")]
    while cursor.skip(b" "):
        names.append(cursor.atom().decode("ascii"))
    return CapabilityCode(tuple(names))


def _in_progress(cursor: Cursor) -> Code:
    cursor.expect(b"(")
    tag = cursor.decoded(cursor.string())
    numbers = []
    for _ in range(2):
        cursor.space()
        numbers.append(None if cursor.skip_word(b"NIL") else cursor.number64())
    cursor.expect(b")")
    return InProgress(tag, *numbers)


def uids_in_order(cursor: Cursor) -> tuple[int, ...]:
    """A uid-set in order. Raises ImapSyntaxError for `*` and for more UIDs than any answer of ours names."""
    ranges = cursor.sequence_set().ranges
    if not ranges or any(low == 0 or high == 0 for low, high in ranges):
        raise ImapSyntaxError("A set of UIDs has no '*'.")
    if sum(abs(high - low) + 1 for low, high in ranges) > UIDS_LIMIT:
        raise ImapSyntaxError("The set has too many UIDs.")
    return tuple(uid for low, high in ranges for uid in range(min(low, high), max(low, high) + 1))


UIDS_LIMIT = 1_000_000
"""UIDs that a decoded APPENDUID or COPYUID may stand for: a short line must not fill the memory."""

_READERS: dict[str, Callable[[Cursor], Code]] = {
    "APPENDUID": _append_uid,
    "COPYUID": _copy_uid,
    "CAPABILITY": _capability,
    "INPROGRESS": _in_progress,
    "MODIFIED": lambda cursor: Modified(UidSet.of_ranges(cursor.sequence_set().ranges)),
    "PERMANENTFLAGS": lambda cursor: PermanentFlags(cursor.flag_list()),
    "BADCHARSET": lambda cursor: BadCharsetCode(
        tuple(name.decode("ascii", "replace") for name in cursor.list_of(cursor.astring))
    ),
}
