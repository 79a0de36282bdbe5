"""The byte-offset scanner: where the parts of a message begin and end.

One pass over the octets, without recursion, finds every entity (RFC 2045 section 2.4) and never raises: a
message that breaks the rules has some structure all the same. Header sections are copied, bodies are not.

Lines end at LF, alone or after CR; in a message without any LF they end at CR. A header ends at its blank
line, whatever stands before that. The line end before a delimiter belongs to the delimiter (RFC 2046 section
5.1.1). What goes past a limit is not an error: the entity that would hold it is not opened, and is given out
as application/octet-stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mailkeep.mime import headers
from mailkeep.mime.delimiters import Delimiter, DelimiterSearch, Find
from mailkeep.mime.effort import Effort, EffortSpent
from mailkeep.mime.media import MESSAGE_RFC822, OPAQUE, TEXT_PLAIN, Kind, Media, media_of
from mailkeep.mime.octets import WINDOW, Octets, count, find, piece
from mailkeep.mime.params import Parameterised

__all__ = [
    "DEPTH_LIMIT",
    "HEADER_LIMIT",
    "JOINED_FIELDS",
    "PART_LIMIT",
    "Entity",
    "Kind",
    "scan",
    "scan_within",
]

PART_LIMIT = 10_000  # entities in one message
DEPTH_LIMIT = 100  # entities within entities
HEADER_LIMIT = 256 * 1024  # octets of one header section that are searched for fields

JOINED_FIELDS = frozenset((b"to", b"cc", b"bcc"))  # RFC 5322 section 4.5.3


@dataclass(slots=True)
class Entity:
    """One entity. Offsets are octets from the start of the message.

    `type` and `subtype` are as written, or what the rules put in their place. `lines` are counted where IMAP
    tells them: for text and for embedded messages.
    """

    parent: int
    depth: int
    header_start: int
    body_start: int
    fields: dict[bytes, bytes]
    media: Media
    type: bytes
    subtype: bytes
    content_type: Parameterised
    kind: Kind
    body_end: int = -1
    lines: int = 0


def scan(octets: Octets) -> list[Entity]:
    """All entities in the order of the message, each after its parent; the first is the message itself."""
    return _Scanner(octets, Effort()).run()


def scan_within(octets: bytes, effort: int) -> list[Entity] | None:
    """The same; None, as soon as it is clear, if it takes more than `effort`, which effort.py counts."""
    try:
        return _Scanner(octets, Effort(effort)).run()
    except EffortSpent:
        return None


class _Scanner:
    def __init__(self, octets: Octets, effort: Effort) -> None:
        self.octets = octets
        self.size = len(octets)
        if isinstance(octets, bytes) and self.size <= WINDOW:
            self.find: Find = octets.find
        else:
            self.find = partial(find, octets)
        self.eol = b"\n"
        if self.find(b"\n", 0, self.size) < 0 and self.find(b"\r", 0, self.size) >= 0:
            self.eol = b"\r"
        self.entities: list[Entity] = []
        self.unended: list[int] = []  # places of the entities that have no end yet, from the outermost in
        self.delimiters = DelimiterSearch(octets, self.size, self.eol, self.find, effort)
        self.effort = effort
        self.resume_at = 0
        self.blank = (-1, 0, 0)  # searched from, start of the next blank line, its end

    def run(self) -> list[Entity]:
        self.enter(0, -1, TEXT_PLAIN)
        while self.delimiters.open:
            delimiter = self.delimiters.next(self.resume_at, self.size)
            if delimiter is None:
                break
            self.take(delimiter)
        self.end_after(-1, self.size)
        self.count_lines()
        return self.entities

    def enter(self, start: int, parent: int, default: Media) -> None:
        """Open the entity at `start` and, through messages in messages, those that begin with its body."""
        while True:
            media = self.read_header(start, parent, default)
            place = len(self.entities) - 1
            self.unended.append(place)
            if media.kind is not Kind.MESSAGE:
                break
            start, parent, default = self.resume_at, place, TEXT_PLAIN
        if media.kind is Kind.MULTIPART:
            self.delimiters.push(place, media.boundary)

    def read_header(self, start: int, parent: int, default: Media) -> Media:
        """Append the entity whose header starts at `start`; the scan goes on with its body."""
        blank_start, body_start = self.next_blank(start)
        if self.delimiters.open:
            cut = self.delimiters.next(start, blank_start)
            if cut is not None:
                body_start = cut.start
        header = piece(self.octets, start, min(body_start, start + HEADER_LIMIT))
        self.effort.spend_on(header)
        fields = headers.index(header, JOINED_FIELDS)
        depth = self.entities[parent].depth + 1 if parent >= 0 else 0
        media = media_of(fields.get(b"content-type"), default)
        # A message or multipart brings at least one entity more, and so may the one that holds it.
        if media.kind and (depth >= DEPTH_LIMIT or len(self.entities) >= PART_LIMIT - 2):
            media = OPAQUE
        self.entities.append(
            Entity(
                *(parent, depth, start, body_start, fields, media),
                *(media.type, media.subtype, media.content_type, media.kind),
            )
        )
        self.resume_at = body_start
        return media

    def next_blank(self, start: int) -> tuple[int, int]:
        """(start, end) of the first blank line from `start`, a line's start; the size twice if none.

        The last answer is kept: many headers before one blank line must not search for it each.
        """
        searched, blank_start, blank_end = self.blank
        if not 0 <= searched <= start <= blank_start:
            blank_start, blank_end = self.find_blank(start)
            self.blank = (start, blank_start, blank_end)
        return blank_start, blank_end

    def find_blank(self, start: int) -> tuple[int, int]:
        first = piece(self.octets, start, start + 2)
        if first.startswith(self.eol):
            return start, start + 1
        if self.eol == b"\r":
            at = self.find(b"\r\r", start, self.size)
        elif first == b"\r\n":
            return start, start + 2
        else:
            crlf = self.find(b"\n\r\n", start, self.size)
            at = self.find(b"\n\n", start, self.size if crlf < 0 else crlf + 1)
            if at < 0 <= crlf:
                return crlf + 1, crlf + 3
        return (at + 1, at + 2) if at >= 0 else (self.size, self.size)

    def take(self, delimiter: Delimiter) -> None:
        """End what the delimiter ends; open what it begins."""
        cut = delimiter.start - 1
        if self.eol == b"\n" and cut > 0 and self.octets[cut - 1 : cut] == b"\r":
            cut -= 1
        multipart = self.delimiters.open[delimiter.level].entity
        self.end_after(multipart, cut)
        self.resume_at = delimiter.end
        closing = delimiter.closing or len(self.entities) >= PART_LIMIT
        self.delimiters.end(delimiter.level, closing=closing)
        if not closing:
            digest = self.entities[multipart].subtype.lower() == b"digest"  # RFC 2046 section 5.1.5
            self.enter(delimiter.end, multipart, MESSAGE_RFC822 if digest else TEXT_PLAIN)

    def end_after(self, multipart: int, cut: int) -> None:
        """End all that lies within the multipart at `cut`, which is not before what they hold."""
        while self.unended and self.unended[-1] > multipart:
            place = self.unended.pop()
            entity = self.entities[place]
            cut = max(cut, entity.body_start)
            entity.body_end = cut
            if entity.kind is Kind.MULTIPART and place == len(self.entities) - 1:
                self.entities.append(_empty_part(place, entity.depth + 1, cut))

    def count_lines(self) -> None:
        for entity in self.entities:
            if entity.kind is Kind.MESSAGE or (entity.kind is Kind.LEAF and entity.media.is_text):
                entity.lines = count(self.octets, self.eol, entity.body_start, entity.body_end)


def _empty_part(parent: int, depth: int, at: int) -> Entity:
    """What a multipart without parts is given, since RFC 9051's grammar has no multipart without one."""
    media = TEXT_PLAIN
    words = (media.type, media.subtype, media.content_type, media.kind)
    return Entity(parent, depth, at, at, {}, media, *words, at)
