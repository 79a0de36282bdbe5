"""The byte-offset scanner: where the parts of a message begin and end.

One pass over the octets, without recursion, finds every entity (RFC 2045 section 2.4) and never raises: a
message that breaks the rules has some structure all the same. Header sections are copied, bodies are not.

Lines end at LF, alone or after CR; in a message without any LF they end at CR. The line end before a
delimiter belongs to the delimiter (RFC 2046 section 5.1.1). What goes past a limit is not an error: the
entity that would hold it is not opened, and is given out as application/octet-stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mailkeep.mime import headers, params
from mailkeep.mime.octets import Octets, count, find, piece
from mailkeep.mime.params import Parameterised

PART_LIMIT = 10_000  # entities in one message
DEPTH_LIMIT = 100  # entities within entities
HEADER_LIMIT = 256 * 1024  # octets of one header section that are searched for fields
BOUNDARY_LIMIT = 998  # octets; RFC 2046 says 70, senders write more, no line may be longer
TYPE_LIMIT = 127  # octets of a type or subtype, RFC 6838 section 4.2

JOINED_FIELDS = frozenset((b"to", b"cc", b"bcc"))  # RFC 5322 section 4.5.3


class Kind(IntEnum):
    """What an entity is made of. Stored in part indexes: never renumber."""

    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2  # message/rfc822 or message/global


@dataclass(slots=True)
class Entity:
    """One entity while the scanner works on it. Offsets are octets from the start of the message.

    `type` and `subtype` are as written, or what the rules put in their place.
    """

    parent: int
    depth: int
    header_start: int
    body_start: int
    fields: dict[bytes, bytes]
    type: bytes
    subtype: bytes
    content_type: Parameterised
    kind: Kind
    body_end: int = -1
    lines: int = 0


_TEXT_PLAIN = Parameterised(b"text/plain", ((b"charset", b"us-ascii"),))
_MESSAGE = Parameterised(b"message/rfc822")
_OPAQUE = Parameterised(b"application/octet-stream")
_TOKEN_DELETED = b"!#$%&'*+-.^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def scan(octets: Octets) -> list[Entity]:
    """All entities in the order of the message, each after its parent; the first is the message itself."""
    scanner = _Scanner(octets)
    scanner.run()
    return scanner.entities


@dataclass(slots=True)
class _Open:
    """A multipart whose end has not been seen. `closed` after its close-delimiter, in its epilogue."""

    entity: int
    boundary: bytes
    closed: bool = False


@dataclass(frozen=True, slots=True)
class _Delimiter:
    start: int  # of its line
    end: int  # of its line, line end included
    level: int  # index into the open multiparts
    closing: bool


class _Scanner:
    def __init__(self, octets: Octets) -> None:
        self.octets = octets
        self.size = len(octets)
        self.entities: list[Entity] = []
        self.open: list[_Open] = []
        self.eol = b"\n"
        if find(octets, b"\n", 0, self.size) < 0 and find(octets, b"\r", 0, self.size) >= 0:
            self.eol = b"\r"
        self.needle = b""
        self.exact: dict[bytes, int] = {}
        self.prefixes: set[bytes] = set()
        self.shortest = 0
        self.blank = (-1, 0, 0)  # searched from, start of the next blank line, its end

    def run(self) -> None:
        self.enter(0, -1, _TEXT_PLAIN)
        while self.open:
            delimiter = self.next_delimiter(self.resume_at, self.size)
            if delimiter is None:
                break
            self.take(delimiter)
        self.close_from(0, self.size)
        self.count_lines()

    # --- entities -------------------------------------------------------------------------------

    def enter(self, start: int, parent: int, default: Parameterised) -> None:
        """Open the entity at `start` and, through messages in messages, those that begin with its body."""
        while True:
            entity = self.read_header(start, parent, default)
            self.entities.append(entity)
            self.resume_at = entity.body_start
            if entity.kind is not Kind.MESSAGE:
                break
            start, parent, default = entity.body_start, len(self.entities) - 1, _TEXT_PLAIN
        if entity.kind is Kind.MULTIPART:
            boundary = entity.content_type.octets(b"boundary") or b""
            self.open.append(_Open(len(self.entities) - 1, boundary.rstrip()))
            self.index_boundaries()

    def read_header(self, start: int, parent: int, default: Parameterised) -> Entity:
        blank_start, body_start = self.next_blank(start)
        if self.open:
            cut = self.next_delimiter(start, blank_start)
            if cut is not None:
                body_start = cut.start
        header = piece(self.octets, start, min(body_start, start + HEADER_LIMIT))
        fields = headers.index(header, JOINED_FIELDS)
        depth = self.entities[parent].depth + 1 if parent >= 0 else 0
        content_type = _content_type(fields.get(b"content-type"), default)
        kind = _kind(content_type)
        full = depth >= DEPTH_LIMIT or len(self.entities) >= PART_LIMIT - 2
        if kind is not Kind.LEAF and full:
            content_type, kind = _OPAQUE, Kind.LEAF
        type_, _, subtype = content_type.token.partition(b"/")
        return Entity(parent, depth, start, body_start, fields, type_, subtype, content_type, kind)

    def next_blank(self, start: int) -> tuple[int, int]:
        """(start, end) of the first blank line from `start`, a line's start; the size twice if none."""
        searched, blank_start, blank_end = self.blank
        if searched < 0 or not searched <= start <= blank_start:
            blank_start, blank_end = self.find_blank(start)
            self.blank = (start, blank_start, blank_end)
        return blank_start, blank_end

    def find_blank(self, start: int) -> tuple[int, int]:
        eol = self.eol
        first = piece(self.octets, start, start + 2)
        if first.startswith(eol):
            return start, start + 1
        if eol == b"\n" and first == b"\r\n":
            return start, start + 2
        at = start
        if eol == b"\n":
            crlf = find(self.octets, b"\n\r\n", start, self.size)
            bare = find(self.octets, b"\n\n", start, self.size if crlf < 0 else crlf + 1)
            if bare < 0 and crlf >= 0:
                return crlf + 1, crlf + 3
            at = bare
        else:
            at = find(self.octets, b"\r\r", start, self.size)
        return (at + 1, at + 2) if at >= 0 else (self.size, self.size)

    # --- delimiters -----------------------------------------------------------------------------

    def index_boundaries(self) -> None:
        """Prepare the search: what every delimiter begins with, and the open boundaries by their octets."""
        live = [at for at, multipart in enumerate(self.open) if not multipart.closed]
        self.exact = {self.open[at].boundary: at for at in live}  # of equal ones the innermost counts
        self.shortest = min(map(len, self.exact), default=0)
        self.prefixes = {boundary[: self.shortest] for boundary in self.exact}
        common = next(iter(self.prefixes)) if len(self.prefixes) == 1 else b""
        self.needle = self.eol + b"--" + common

    def next_delimiter(self, start: int, end: int) -> _Delimiter | None:
        """The first delimiter line that starts in [start, end); `start` is the start of a line."""
        at = max(start - 1, 0)
        if start == 0 and self.octets[:2] == b"--":
            delimiter = self.match_line(0)
            if delimiter is not None:
                return delimiter
        needle = self.needle
        limit = min(end + len(needle), self.size)
        while self.exact:
            at = find(self.octets, needle, at, limit)
            if at < 0 or at + 1 >= end:
                return None
            delimiter = self.match_line(at + 1)
            if delimiter is not None:
                return delimiter
            at += 1
        return None

    def match_line(self, start: int) -> _Delimiter | None:
        """RFC 2046 section 5.1.1: it is enough that the line begins with the boundary."""
        line = piece(self.octets, start + 2, min(start + BOUNDARY_LIMIT + 6, self.size))
        if line[: self.shortest] not in self.prefixes:
            return None
        line = line.partition(self.eol)[0]
        line = line.rstrip(b" \t\r")
        closing = False
        level = self.exact.get(line)
        if level is None and line.endswith(b"--"):
            level = self.exact.get(line[:-2])
            closing = level is not None
        if level is None:
            level, closing = self.match_prefix(line)
        if level is None:
            return None
        return _Delimiter(start, self.line_end(start), level, closing)

    def match_prefix(self, line: bytes) -> tuple[int | None, bool]:
        """The longest open boundary that the line begins with, unless the line is an old delimiter."""
        if any(was.closed and line in (was.boundary, was.boundary + b"--") for was in self.open):
            return None, False
        best = max((known for known in self.exact if line.startswith(known)), key=len, default=None)
        if best is None:
            return None, False
        return self.exact[best], line.startswith(best + b"--")

    def line_end(self, start: int) -> int:
        at = find(self.octets, self.eol, start, self.size)
        return self.size if at < 0 else at + 1

    def take(self, delimiter: _Delimiter) -> None:
        """End what the delimiter ends; open what it begins."""
        cut = delimiter.start - len(self.eol)
        if self.eol == b"\n" and cut > 0 and self.octets[cut - 1 : cut] == b"\r":
            cut -= 1
        multipart = self.open[delimiter.level]
        self.close_from(multipart.entity + 1, cut)
        self.resume_at = delimiter.end
        multipart.closed = delimiter.closing or len(self.entities) >= PART_LIMIT
        if multipart.closed or delimiter.level + 1 < len(self.open):
            del self.open[delimiter.level + 1 :]
            self.index_boundaries()
        if not multipart.closed:
            parent = self.entities[multipart.entity]
            digest = parent.subtype.lower() == b"digest"  # RFC 2046 section 5.1.5
            self.enter(delimiter.end, multipart.entity, _MESSAGE if digest else _TEXT_PLAIN)

    def close_from(self, first: int, cut: int) -> None:
        """Give the entities from `first` on that have no end one, and empty multiparts a part."""
        for at in range(len(self.entities) - 1, first - 1, -1):
            entity = self.entities[at]
            if entity.body_end >= 0:
                continue
            cut = max(cut, entity.body_start)
            entity.body_end = cut
            if entity.kind is Kind.MULTIPART and at == len(self.entities) - 1:
                self.entities.append(_empty_part(at, entity.depth + 1, cut))

    def count_lines(self) -> None:
        for entity in self.entities:
            if entity.kind is Kind.MESSAGE or (entity.kind is Kind.LEAF and entity.type.lower() == b"text"):
                entity.lines = count(self.octets, self.eol, entity.body_start, entity.body_end)


def _empty_part(parent: int, depth: int, at: int) -> Entity:
    """What a multipart without parts is given, since RFC 9051's grammar has no multipart without one."""
    return Entity(parent, depth, at, at, {}, b"text", b"plain", _TEXT_PLAIN, Kind.LEAF, at)


def _content_type(value: bytes | None, default: Parameterised) -> Parameterised:
    """RFC 2045 section 5.2: what is not a media type is taken as text/plain in US-ASCII."""
    if value is None:
        return default
    content_type = params.parse(value)
    type_, slash, subtype = content_type.token.partition(b"/")
    type_, subtype = type_.strip(), subtype.strip()
    if not slash or not _is_token(type_) or not _is_token(subtype):
        return _TEXT_PLAIN
    lower = type_.lower()
    if lower == b"multipart":
        boundary = (content_type.octets(b"boundary") or b"").rstrip()
        if not boundary or len(boundary) > BOUNDARY_LIMIT:
            return _TEXT_PLAIN
    parameters = content_type.parameters
    if lower == b"text" and not parameters:
        parameters = _TEXT_PLAIN.parameters
    return Parameterised(type_ + b"/" + subtype, parameters)


def _is_token(word: bytes) -> bool:
    return 0 < len(word) <= TYPE_LIMIT and not word.translate(None, _TOKEN_DELETED)


def _kind(content_type: Parameterised) -> Kind:
    token = content_type.token.lower()
    if token.startswith(b"multipart/"):
        return Kind.MULTIPART
    if token in (b"message/rfc822", b"message/global"):
        return Kind.MESSAGE
    return Kind.LEAF
