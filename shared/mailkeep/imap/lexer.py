"""The tokens of RFC 9051 section 9, read from the octets of one command by a moving cursor.

Every token is one regular expression, so that no octet is looked at by Python code. The cursor gives
octets where the grammar has strings; what charset they are in is for the command to say. A list's length
is limited by the line that holds it. Only ImapSyntaxError and its kinds come out of here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NoReturn, TypeVar

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.limits import NUMBER64_MAX
from mailkeep.imap.names import NameForm, decode_name, decode_written
from mailkeep.imap.sequence import SAVED_RESULT, STAR, SequenceSet

T = TypeVar("T")

NUMBER_MAX = 0xFFFFFFFF  # RFC 9051 section 9: number is unsigned 32 bits
MONTHS = (b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC")

_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING_ATOM = re.compile(rb"[^\x00-\x20\x7f(){%*\"\\]+")  # with "]", and UTF-8 as RFC 6855 clients send it
_LIST_ATOM = re.compile(rb"[^\x00-\x20\x7f(){\"\\]+")
_TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")
_WORD = re.compile(rb"[A-Za-z0-9.=$_+-]+")
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPE = re.compile(rb"\\(.)")
_LITERAL = re.compile(rb"(~?)\{([0-9]{1,20})\+?\}\r\n")
_NUMBER = re.compile(rb"[0-9]{1,20}")
_SEQUENCE = re.compile(
    rb"(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?(?:,(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?)*"
)
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
_BASE64 = re.compile(rb"=|[A-Za-z0-9+/]+={0,2}")


class Cursor:
    """`at` is the offset of the next octet. Methods that return a value move behind what they read."""

    __slots__ = ("at", "form", "octets", "streamed")

    def __init__(
        self, octets: bytes, form: NameForm = NameForm.MODIFIED_UTF7, streamed: tuple[int, ...] = ()
    ) -> None:
        self.octets = octets
        self.form = form
        self.streamed = streamed
        self.at = 0

    # --- moving -----------------------------------------------------------------------------------

    def fail(self, expected: str) -> NoReturn:
        """Raise ImapSyntaxError: `expected` completes the sentence."""
        raise ImapSyntaxError(f"Expected {expected} at octet {self.at}.")

    def unknown(self, thing: str) -> NoReturn:
        """Raise ImapSyntaxError for a word that was read and means nothing."""
        raise ImapSyntaxError(f"There is no such {thing} (before octet {self.at}).")

    def at_end(self) -> bool:
        """True behind the last octet."""
        return self.at == len(self.octets)

    def end(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.octets):
            self.fail("the end of the command")

    def space(self) -> None:
        """One SP: RFC 9051 section 9 rule 2 leaves no choice."""
        if self.octets[self.at : self.at + 1] != b" ":
            self.fail("a space")
        self.at += 1

    def skip(self, token: bytes) -> bool:
        """Move behind `token` if it is next, which is compared as it is; say whether it was."""
        if not self.octets.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def skip_word(self, word: bytes) -> bool:
        """The same for an upper-case `word` in any case, if no further letter follows."""
        found = _WORD.match(self.octets, self.at)
        if found is None or found.group().upper() != word:
            return False
        self.at = found.end()
        return True

    def expect(self, token: bytes) -> None:
        """`token` must be next."""
        if not self.skip(token):
            self.fail(token.decode("ascii"))

    def next_is(self, token: bytes) -> bool:
        """True if `token` is next; does not move."""
        return self.octets.startswith(token, self.at)

    def match(self, pattern: re.Pattern[bytes], expected: str) -> re.Match[bytes]:
        """What `pattern` finds here."""
        found = pattern.match(self.octets, self.at)
        if found is None:
            self.fail(expected)
        self.at = found.end()
        return found

    # --- words and strings ------------------------------------------------------------------------

    def tag(self) -> str:
        """`tag`: an atom without "+"."""
        return self.match(_TAG, "a tag").group().decode("ascii")

    def word(self) -> str:
        """A name of the protocol's own (command, item, key), in upper case."""
        return self.match(_WORD, "a word").group().decode("ascii").upper()

    def atom(self) -> bytes:
        """`atom`."""
        return self.match(_ATOM, "an atom").group()

    def astring(self) -> bytes:
        """`astring`: an atom that may hold "]", or a string."""
        found = _ASTRING_ATOM.match(self.octets, self.at)
        if found is None:
            return self.string()
        self.at = found.end()
        return found.group()

    def string(self) -> bytes:
        """`string`: quoted or literal."""
        found = _QUOTED.match(self.octets, self.at)
        if found is None:
            return self.literal()
        self.at = found.end()
        text = found.group(1)
        return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text

    def nstring(self) -> bytes | None:
        """`nstring`: NIL is None."""
        return None if self.skip_word(b"NIL") else self.string()

    def nstring8(self) -> bytes | None:
        """`nstring / literal8`, which alone may hold NUL octets (RFC 5464 section 5)."""
        if not self.next_is(b"~"):
            return self.nstring()
        return self._literal_octets(self.match(_LITERAL, "a literal"))

    def literal(self) -> bytes:
        """`literal` without NUL octets (RFC 9051 section 9: CHAR8)."""
        if self.next_is(b"~"):  # literal8 stands for messages only (RFC 9051 section 9)
            self.fail("a string")
        octets = self._literal_octets(self.match(_LITERAL, "a string"))
        if b"\0" in octets:
            self.fail("a literal without NUL octets")
        return octets

    def message_literal(self) -> tuple[bytes | None, int, bool]:
        """A literal in a message's place: (octets or None if they were streamed, size, literal8)."""
        found = self.match(_LITERAL, "a literal")
        size, binary = int(found.group(2)), bool(found.group(1))
        if self.at in self.streamed:
            return None, size, binary
        octets = self._literal_octets(found)
        if b"\0" in octets and not binary:
            self.fail("a literal without NUL octets")
        return octets, size, binary

    def _literal_octets(self, found: re.Match[bytes]) -> bytes:
        size = int(found.group(2))
        start, self.at = self.at, self.at + size
        if self.at > len(self.octets) or start in self.streamed:
            self.fail("a literal as long as announced")
        return self.octets[start : self.at]

    def text(self) -> str:
        """`astring` in UTF-8, for names and values whose grammar is US-ASCII or UTF-8."""
        return self.decoded(self.astring())

    def decoded(self, octets: bytes) -> str:
        """Strict UTF-8."""
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            raise ImapSyntaxError("A string is not in UTF-8.") from None

    def base64(self) -> bytes:
        """`base64` or the lone `=` of RFC 4959, as it stands."""
        return self.match(_BASE64, "base64").group()

    # --- numbers ----------------------------------------------------------------------------------

    def number(self) -> int:
        """`number`: 0 to 4294967295."""
        return self._number(0, NUMBER_MAX)

    def nz_number(self) -> int:
        """`nz-number`: 1 to 4294967295."""
        return self._number(1, NUMBER_MAX)

    def number64(self) -> int:
        """`number64`, and `mod-sequence-valzer` of RFC 7162: 0 to 2^63 - 1."""
        return self._number(0, NUMBER64_MAX)

    def _number(self, low: int, high: int) -> int:
        number = int(self.match(_NUMBER, "a number").group())
        if not low <= number <= high:
            raise ImapSyntaxError(f"A number is not within {low} and {high}.")
        return number

    def sequence_set(self) -> SequenceSet:
        """`sequence-set`, `$` included (RFC 5182)."""
        if self.skip(b"$"):
            return SAVED_RESULT
        text = self.match(_SEQUENCE, "a sequence set").group()
        return SequenceSet(tuple([_range(part) for part in text.split(b",")]))

    # --- mailboxes, flags, dates --------------------------------------------------------------------

    def mailbox(self) -> str:
        """`mailbox` in Unicode."""
        return decode_name(self.astring(), self.form)

    def written_mailbox(self) -> tuple[str, str | None]:
        """The same, and the name as written if it was not in NFC."""
        return decode_written(self.astring(), self.form)

    def list_mailbox(self) -> str:
        """`list-mailbox`: a name that may hold wildcards."""
        found = _LIST_ATOM.match(self.octets, self.at)
        if found is None:
            return decode_name(self.string(), self.form)
        self.at = found.end()
        return decode_name(found.group(), self.form)

    def flag(self) -> str:
        """`flag` by its wire name."""
        return self.match(_FLAG, "a flag").group().decode("ascii")

    def flag_list(self) -> tuple[str, ...]:
        """`flag-list`, which may be empty."""
        if self.skip(b"()"):
            return ()
        return self.list_of(self.flag)

    def list_of(self, item: Callable[[], T]) -> tuple[T, ...]:
        """`"(" item *(SP item) ")"`."""
        self.expect(b"(")
        items = [item()]
        while self.skip(b" "):
            items.append(item())
        self.expect(b")")
        return tuple(items)

    def date(self) -> date:
        """`date`, quoted or not."""
        found = self.match(_DATE, "a date")
        return self._calendar(lambda: date(int(found[4]), _month(found[3]), int(found[2])))

    def date_time(self) -> datetime:
        """`date-time`, aware in the zone that was sent."""
        found = self.match(_DATE_TIME, "a date-time")
        return self._calendar(lambda: _date_time(found))

    def _calendar(self, made: Callable[[], T]) -> T:
        try:
            return made()
        except (ValueError, OverflowError):
            raise ImapSyntaxError("There is no such date or time.") from None


def _range(part: bytes) -> tuple[int, int]:
    first, colon, last = part.partition(b":")
    low = _sequence_number(first)
    return low, _sequence_number(last) if colon else low


def _sequence_number(text: bytes) -> int:
    if text == b"*":
        return STAR
    number = int(text)
    if number > NUMBER_MAX:
        raise ImapSyntaxError("A sequence number is larger than any can be.")
    return number


def _month(name: bytes) -> int:
    return MONTHS.index(name.upper()) + 1


def _date_time(found: re.Match[bytes]) -> datetime:
    zone = timedelta(hours=int(found[8]), minutes=int(found[9]))
    value = datetime(
        int(found[3]),
        _month(found[2]),
        int(found[1]),
        int(found[4]),
        int(found[5]),
        int(found[6]),
        tzinfo=timezone(-zone if found[7] == b"-" else zone),
    )
    value.astimezone(UTC)  # raises if it leaves the years 1 to 9999, which nobody behind could keep
    return value
