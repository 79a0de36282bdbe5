"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183, RFC 2231).

The parser takes what senders write: missing quotes, comments, spaces around "=", an unclosed string, a
parameter without a value. It never raises. Continuations are put together here, so that a file name is one
value for everybody; percent escapes are decoded only for those who ask (`decoded`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailkeep.mime import charset as charsets
from mailkeep.mime import encoded_words

PARAMETER_LIMIT = 64  # parameters of one field; the rest is not seen
VALUE_LIMIT = 8 * 1024  # octets of one value; what is longer is cut
CONTINUATION_LIMIT = 100  # sections of one RFC 2231 value

_SIMPLE = re.compile(rb'[ \t]*;[ \t]*([^\s=;"()*]+)=(?:"([^"\\]*)"|([^\s;"()]+))(?=[ \t]*(?:;|\Z))')
_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)|([^;]*))', re.DOTALL)
_SECTION = re.compile(rb"([^*]+)\*(?:(\d{1,3})(\*)?)?\Z")
_SKIPPED = re.compile(rb'[^"(\\]+|\\.|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\\(]', re.DOTALL)
_COMMENT_PIECE = re.compile(rb"[^()\\]+|\\.|[()\\]", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_HEX = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(rb"[^A-Za-z0-9!#$&+\-.^_`{}~]")


@dataclass(frozen=True, slots=True)
class Parameterised:
    """A field's first token as written and its parameters in order, names as written.

    Values of RFC 2231 form with a charset have a name that ends in "*" and are still percent-encoded.
    """

    token: bytes
    parameters: tuple[tuple[bytes, bytes], ...] = ()

    def get(self, name: bytes) -> bytes | None:
        """The value of the first parameter of that name (lower case), or None."""
        for key, value in self.parameters:
            if key.lower() == name:
                return value
        return None

    def octets(self, name: bytes) -> bytes | None:
        """The value with the percent escapes of an RFC 2231 form undone: for boundaries and charsets."""
        plain = self.get(name)
        if plain is not None:
            return plain
        extended = self.get(name + b"*")
        return None if extended is None else _extended_octets(extended)[1]

    def decoded(self, name: bytes) -> str | None:
        """The value as text: RFC 2231 form first, then plain, where some put encoded words."""
        extended = self.get(name + b"*")
        if extended is not None:
            return decode_extended(extended)
        plain = self.get(name)
        return None if plain is None else encoded_words.decode(plain)


def parse(value: bytes) -> Parameterised:
    """Take an unfolded field value apart."""
    if b"(" in value:
        value = strip_comments(value)
    token, semicolon, _ = value.partition(b";")
    if not semicolon:
        return Parameterised(token.strip())
    found = _simple(value, len(token))
    if found is None:
        found = _tolerant(value, len(token))
    if any(b"*" in name for name, _ in found):
        found = _join_continuations(found)
    return Parameterised(token.strip(), tuple(found))


def _simple(value: bytes, start: int) -> list[tuple[bytes, bytes]] | None:
    found: list[tuple[bytes, bytes]] = []
    end = len(value.rstrip(b" \t;"))
    while start < end:
        match = _SIMPLE.match(value, start)
        if match is None or len(found) == PARAMETER_LIMIT:
            return None
        name, quoted, token = match.groups()
        found.append((name, (quoted if token is None else token)[:VALUE_LIMIT]))
        start = match.end()
    return found


def _tolerant(value: bytes, start: int) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    for match in _PARAMETER.finditer(value, start):
        name, quoted, token = match.groups()
        if quoted is not None:
            token = _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        found.append((name, token.strip()[:VALUE_LIMIT]))
        if len(found) == PARAMETER_LIMIT:
            break
    return found


def strip_comments(value: bytes) -> bytes:
    """The value with each comment outside of quoted strings replaced by a space (RFC 5322 section 3.2.2)."""
    kept = []
    at = 0
    while match := _SKIPPED.match(value, at):
        at = match.end()
        if match.group() == b"(":
            at = comment_end(value, at)
            kept.append(b" ")
        else:
            kept.append(match.group())
    return b"".join(kept)


def comment_end(value: bytes, start: int) -> int:
    """Offset after the comment whose parenthesis opens before `start`; the end if it never closes."""
    depth = 1
    for match in _COMMENT_PIECE.finditer(value, start):
        octets = match.group()
        if octets == b"(":
            depth += 1
        elif octets == b")":
            depth -= 1
            if not depth:
                return match.end()
    return len(value)


def _join_continuations(found: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """RFC 2231 section 3: sections in the order of their numbers, as one parameter where the first stood."""
    joined: list[tuple[bytes, bytes]] = []
    sections: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    places: dict[bytes, int] = {}
    for name, value in found:
        match = _SECTION.match(name)
        if match is None or match.group(2) is None:
            joined.append((name, value))
            continue
        key = match.group(1).lower()
        if key not in places:
            places[key] = len(joined)
            sections[key] = {}
            joined.append((match.group(1), b""))
        sections[key].setdefault(int(match.group(2)), (value, match.group(3) is not None))
    for key, place in places.items():
        joined[place] = _join_sections(joined[place][0], sections[key])
    return joined


def _join_sections(name: bytes, sections: dict[int, tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    run = []
    for number in range(CONTINUATION_LIMIT):  # a gap ends the value: what follows cannot be placed
        if number not in sections:
            break
        run.append(sections[number])
    if not any(extended for _, extended in run):
        return name, b"".join(value for value, _ in run)[:VALUE_LIMIT]
    if not run[0][1]:
        run[0] = (b"''" + _percent_encode(run[0][0]), True)
    pieces = (value if extended else _percent_encode(value) for value, extended in run)
    return name + b"*", b"".join(pieces)[:VALUE_LIMIT]


def _percent_encode(value: bytes) -> bytes:
    return _UNSAFE.sub(lambda match: b"%%%02X" % match.group()[0], value)


def decode_extended(value: bytes) -> str:
    """Text of an RFC 2231 section 4 value: charset'language'percent-encoded octets."""
    charset, octets = _extended_octets(value)
    return charsets.decode(octets, charset.decode("ascii", "replace"))


def _extended_octets(value: bytes) -> tuple[bytes, bytes]:
    charset, _, rest = value.partition(b"'")
    _, second, octets = rest.partition(b"'")
    if not second:
        charset, octets = b"", value
    return charset, _HEX.sub(lambda match: bytes([int(match.group(1), 16)]), octets)
