"""Comparing header fields and body text with what was asked: decoded, without regard to case, as substrings.

RFC 9051 section 6.4.4 asks for case-insensitive matching, and I18NLEVEL=1 (RFC 5255 section 4.3) for the
i;unicode-casemap collation (RFC 5051): in it both sides are in title case and decomposed. Header fields are
decoded from RFC 2047 first, and parts of the body from their transfer encoding and charset. Pure functions:
the caller decides on which thread they run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from mailkeep.imap.commands.search_keys import DateKey, DateTest, HeaderKey, TextField, TextKey
from mailkeep.mime import dates, encoded_words, headers, params, text
from mailkeep.mime.parts import PartIndex
from mailkeep.model.casemap import fold
from mailkeep_imap.searching.resembling import Sought, score, sought

HeaderTest = Callable[[bytes], bool]
HeaderSieve = Callable[[bytes], Sequence[int]]
HeaderScore = Callable[[bytes], int]
MessageScore = Callable[[bytes, PartIndex], int]

_END = b"\0"
_ENDS = frozenset("\0\r\n")
_UPPER = bytes(range(256)).upper()
_FIELDS = {
    TextField.BCC: b"bcc",
    TextField.CC: b"cc",
    TextField.FROM: b"from",
    TextField.SUBJECT: b"subject",
    TextField.TO: b"to",
}


def header_test(key: TextKey | HeaderKey | DateKey) -> HeaderTest:
    """A test of a header section for a key on a header field or on the Date: field."""
    if isinstance(key, DateKey):
        return _date_test(key)
    return _field_test(_field_of(key), key.text)


def header_score(key: TextKey | HeaderKey) -> HeaderScore:
    """How well a header section matches a key on one of its fields, as resembling.py has it: the best of its
    values counts."""
    name, wanted = _field_of(key), seeking(key)

    def rate(header: bytes) -> int:
        written = values(header, name)
        return max((score(wanted, fold(encoded_words.decode(value))) for value in written), default=0)

    return rate


def message_score(key: TextKey) -> MessageScore:
    """How well a message matches BODY or TEXT."""
    wanted, with_header = seeking(key), key.field is TextField.TEXT

    def rate(octets: bytes, index: PartIndex) -> int:
        body = folded_body(octets, index)
        return score(wanted, f"{folded_header(octets, index)}\n{body}" if with_header else body)

    return rate


def seeking(key: TextKey | HeaderKey) -> Sought:
    """What a fuzzy key looks for."""
    return sought(fold(key.text))


def _field_of(key: TextKey | HeaderKey) -> bytes:
    if isinstance(key, TextKey):
        return _FIELDS[key.field]
    return key.field.encode("utf-8", "replace").lower()


def _field_test(name: bytes, text: str) -> HeaderTest:
    needle = fold(text)
    return lambda header: any(needle in fold(encoded_words.decode(value)) for value in values(header, name))


def header_sieve(key: TextKey | HeaderKey) -> HeaderSieve | None:
    """The places of those of several header sections that have to be tested at all; None if all of them have.
    They are given joined by NUL octets, and hold none. Where nothing is encoded, what does not stand there as
    it is asked for is not there; a thousand are looked through in a few steps."""
    needle = fold(key.text)
    if not needle or not needle.isascii() or _ENDS.intersection(needle):
        return None
    plain = needle.encode("ascii")

    def left(joined: bytes) -> Sequence[int]:
        unfolded = joined.translate(_UPPER, b"\r\n")
        found = {*_having(plain, unfolded), *_having(b"?", unfolded, behind=b"=")}
        if not joined.isascii():
            found.update(at for at, section in enumerate(joined.split(_END)) if not section.isascii())
        return sorted(found)

    return left


def _having(token: bytes, joined: bytes, behind: bytes = b"") -> Iterator[int]:
    """Which of the sections hold a token, and `behind` in front of it."""
    section = counted = start = 0
    while (found := joined.find(token, start)) >= 0:
        if not joined.endswith(behind, 0, found):
            start = found + 1
            continue
        section += joined.count(_END, counted, found)
        yield section
        end = joined.find(_END, found)
        if end < 0:
            return
        section, counted, start = section + 1, end + 1, end + 1


def values(header: bytes, name: bytes) -> Iterable[bytes]:
    """The raw values of all fields of that lower-case name."""
    if name not in header.lower():
        return
    for written, raw in headers.fields(header):
        if written.lower() == name:
            yield raw.partition(b":")[2]


def header_text(header: bytes) -> str:
    """All of a header section as TEXT searches it: names and decoded values, a line a field."""
    return "\n".join(
        f"{name.decode('ascii')}: {_decoded(raw.partition(b':')[2])}"
        for name, raw in headers.fields(header)
        if name
    )


def _decoded(value: bytes) -> str:
    """Parameters of RFC 2231, as long names of files have them, stand behind what was written."""
    text = encoded_words.decode(value)
    if b"*=" not in value:
        return text
    parsed = params.parse(headers.unfold(value))
    said = [parsed.decoded(name.lower().removesuffix(b"*")) for name, _ in parsed.parameters]
    return " ".join([text, *filter(None, said)])


def folded_body(octets: bytes, index: PartIndex) -> str:
    """What BODY looks into."""
    return fold(text.text_of(octets, index))


def folded_header(octets: bytes, index: PartIndex) -> str:
    """What TEXT looks into besides: MIME header fields as well (RFC 9051 section 6.4.4), and the headers of
    embedded messages. It holds every decoded value of every field."""
    sections = (octets[part.header_start : part.body_start] for part in index.walk())
    return fold("\n".join(map(header_text, sections)))


def _date_test(key: DateKey) -> HeaderTest:
    """RFC 9051 section 6.4.4: the date as the sender wrote it, disregarding time and zone."""

    def test(header: bytes) -> bool:
        sent = sent_date(header)
        if sent is None:
            return False
        if key.test is DateTest.SENTBEFORE:
            return sent < key.date
        return sent == key.date if key.test is DateTest.SENTON else sent >= key.date

    return test


def sent_date(header: bytes) -> date | None:
    """The day in the Date: field; None if there is none that can be read."""
    value = headers.first(header, b"date")
    if value is None:
        return None
    written = dates.parse_local(value)
    return None if written is None else written.date()
