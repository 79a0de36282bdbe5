"""BDAT's argument, and its octets as a machine (RFC 3030 section 2): counted, never searched for an end.

Counting leaves nothing to smuggle with, so that a CR, LF or NUL on its own would do no harm here. It is
noted all the same, as on DATA: without BODY=BINARYMIME content is lines that end in CRLF (RFC 5321 section
2.3.8), and whoever sends it on by DATA, or reads it by lines over POP3, must not find an end that we did not
see. So it is refused, and with BODY=BINARYMIME it is allowed within parts, which are then put into base64
(see mailkeep.mime.recode): IMAP has no NUL in BODY[], POP3 has lines alone, and few servers take binary
content. A last line without its CRLF is kept as it is, and a dot that opens a line means nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailkeep.smtp.data import TEXT_LINE_LIMIT, Defect, LineEnds, LineMeter
from mailkeep.smtp.errors import ArgumentSyntax, ChunkSyntax

_CHUNK = re.compile(r"([0-9]{1,20})([ \t]+LAST)?\Z", re.IGNORECASE)

_BURL = re.compile(r"(?!LAST\Z)([\x21-\x7e]+)([ \t]+LAST)?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One BDAT: `size` octets follow its line."""

    size: int
    last: bool = False


def parse_chunk(argument: str) -> Chunk:
    """Raises ChunkSyntax, after which nobody knows where the next command begins."""
    found = _CHUNK.match(argument)
    if found is None:
        raise ChunkSyntax("The form is BDAT size, or BDAT size LAST; closing the connection.")
    return Chunk(int(found.group(1)), found.group(2) is not None)


def parse_burl(argument: str) -> tuple[str, bool]:
    """The URL of BURL, and whether it is the last of its message (RFC 4468 section 3.2). Raises
    ArgumentSyntax."""
    found = _BURL.match(argument)
    if found is None:
        raise ArgumentSyntax("The form is BURL url, or BURL url LAST.")
    return found.group(1), found.group(2) is not None


class ChunkReader:
    """One message's octets, through all its chunks. `size` is what has come."""

    __slots__ = ("_ends", "_lines", "defects", "size")

    def __init__(self, max_line: int = TEXT_LINE_LIMIT) -> None:
        self._lines = LineMeter(max_line)
        self._ends = LineEnds()
        self.defects = Defect.NONE
        self.size = 0

    def feed(self, octets: bytes) -> bytes:
        """Note the defects of the next octets and give them back."""
        if not octets:
            return octets
        self.size += len(octets)
        bare = self._ends.feed(octets)
        if bare is not Defect.NONE:
            self.defects |= bare
        if b"\0" in octets:
            self.defects |= Defect.NUL
        if self._lines.exceeded_by(octets):
            self.defects |= Defect.LINE_TOO_LONG
        return octets

    def finish(self) -> None:
        """No more will come: a CR that waited for its LF stands alone."""
        self.defects |= self._ends.finish()
