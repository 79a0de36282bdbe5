"""Values as wire octets (RFC 9051 section 9): the other way of lexer.py.

A string goes out quoted if it can, as a literal if it must: CR, LF, NUL and 8-bit octets cannot be quoted
for an IMAP4rev1 client, and long ones are cheaper to read by count. What a server sends has `{n}`; what a
client sends has `{n+}` (RFC 7888), so that an encoded command is one piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from itertools import repeat

from mailkeep.imap.names import NameForm, encode_name
from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.model.uids import UidSet

QUOTED_LIMIT = 1000  # octets; longer strings are literals, since some clients limit their lines

_ATOM = re.compile(rb"(?!NIL\Z)[^\x00-\x20\x7f-\xff(){%*\"\\]+\Z", re.IGNORECASE)  # astring's atom, not "NIL"
_QUOTABLE = re.compile(rb"[^\x00\r\n\x80-\xff]*\Z")
_SPECIAL = re.compile(rb"([\"\\])")
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_MINUTES = 24 * 60
_SECONDS = tuple(b'%02d +0000"' % second for second in range(60))


def quoted(octets: bytes) -> bytes:
    """A quoted string of octets that hold no CR, LF or NUL."""
    return b'"' + _SPECIAL.sub(rb"\\\1", octets) + b'"'


def literal(octets: bytes) -> bytes:
    """`{n}` CRLF octets, as a server sends it."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def sent_literal(octets: bytes) -> bytes:
    """`{n+}` CRLF octets, as a client sends it that does not wait."""
    return b"{%d+}\r\n%b" % (len(octets), octets)


def string(octets: bytes) -> bytes:
    """Quoted or literal."""
    if len(octets) <= QUOTED_LIMIT and _QUOTABLE.match(octets):
        return quoted(octets)
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    """The same; None is NIL."""
    return b"NIL" if octets is None else string(octets)


def sent_string(octets: bytes) -> bytes:
    """Quoted or literal, as a client sends it."""
    if len(octets) <= QUOTED_LIMIT and _QUOTABLE.match(octets):
        return quoted(octets)
    return sent_literal(octets)


def sent_string8(octets: bytes) -> bytes:
    """The same, as literal8 if NUL octets ask for it (RFC 3516 section 4.4)."""
    return b"~" + sent_literal(octets) if b"\0" in octets else sent_string(octets)


def nstring8(octets: bytes | None) -> bytes:
    """What `nstring` makes, as literal8 if NUL octets ask for it."""
    return b"~" + literal(octets) if octets and b"\0" in octets else nstring(octets)


def sent_astring(octets: bytes) -> bytes:
    """Atom, quoted or literal, as a client sends it."""
    return octets if _ATOM.match(octets) else sent_string(octets)


def astring(octets: bytes) -> bytes:
    """Atom, quoted or literal, as a server sends it."""
    return octets if _ATOM.match(octets) else string(octets)


def field_name(octets: bytes) -> bytes:
    """A header field name within a section, where "]" would end the section and no literal may stand."""
    return octets if _ATOM.match(octets) and b"]" not in octets else quoted(octets)


def sent_mailbox(name: str, form: NameForm) -> bytes:
    """A mailbox name, as a client sends it."""
    return sent_astring(encode_name(name, form))


def mailbox(name: str, form: NameForm) -> bytes:
    """A mailbox name, as a server sends it. With UTF-8 names, 8-bit octets may be quoted (RFC 9051 section
    4.3: quoted strings are UTF-8)."""
    octets = encode_name(name, form)
    if _ATOM.match(octets):
        return octets
    if form is NameForm.UTF8 and len(octets) <= QUOTED_LIMIT and not _has_line_ends(octets):
        return quoted(octets)
    return string(octets)


def flag_list(names: Iterable[str]) -> bytes:
    """`(\\Seen keyword)`."""
    return b"(%b)" % " ".join(names).encode("ascii")


def flags(value: Flags, *, recent: bool = False) -> bytes:
    """The same from the model's flags; `recent` adds this session's \\Recent (RFC 3501 section 2.3.2)."""
    return flags_of(int(value.system), value.keywords, recent=recent)


def flags_of(system: int, keywords: tuple[str, ...], *, recent: bool = False) -> bytes:
    """The same from a snapshot's columns, cheap for messages without keywords."""
    if not keywords:
        return _RECENT_LISTS[system] if recent else _SYSTEM_LISTS[system]
    listed = _keyword_list(system, keywords)
    return listed[:-1] + b" \\Recent)" if recent else listed


def uid_set(uids: UidSet) -> bytes:
    """`1:3,7`."""
    return str(uids).encode("ascii")


def uid_sequence(uids: Iterable[int]) -> bytes:
    """A set in the given order, runs joined: APPENDUID and COPYUID pair their sets by position
    (RFC 4315 section 3), so it may not be sorted."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs)


def date_time(value: datetime) -> bytes:
    """`date-time` with its quotes, in the zone of `value`."""
    month = _MONTH_NAMES[value.month - 1]
    return f'"{value.day:2d}-{month}-{value.year:04d} {value:%H:%M:%S} {value:%z}"'.encode("ascii")


def internal_date(seconds: int) -> bytes:
    """`date-time` in UTC with its quotes, from Unix seconds."""
    minute, second = divmod(seconds, 60)
    return _minute_text(minute) + _SECONDS[second]


def internal_dates(moments: Iterable[int]) -> list[bytes]:
    """The same for many."""
    return [_minute_text(minute) + _SECONDS[second] for minute, second in map(divmod, moments, repeat(60))]


def day(value: date) -> bytes:
    """`date` without quotes."""
    return f"{value.day}-{_MONTH_NAMES[value.month - 1]}-{value.year:04d}".encode("ascii")


@lru_cache(maxsize=4096)
def _keyword_list(system: int, keywords: tuple[str, ...]) -> bytes:
    return flag_list(Flags(SystemFlag(system), keywords).names())


@lru_cache(maxsize=4096)
def _day_text(days: int) -> bytes:
    value = date.fromordinal(days + date(1970, 1, 1).toordinal())
    return f"{value.day:2d}-{_MONTH_NAMES[value.month - 1]}-{value.year:04d}".encode("ascii")


@lru_cache(maxsize=16384)
def _minute_text(minutes: int) -> bytes:
    days, rest = divmod(minutes, _DAY_MINUTES)
    return b'"%b %02d:%02d:' % (_day_text(days), *divmod(rest, 60))


def _has_line_ends(octets: bytes) -> bool:
    return b"\r" in octets or b"\n" in octets or b"\0" in octets


_SYSTEM_LISTS = tuple(flag_list(Flags(SystemFlag(bits)).names()) for bits in range(32))
_RECENT_LISTS = tuple(flag_list((*Flags(SystemFlag(bits)).names(), "\\Recent")) for bits in range(32))
