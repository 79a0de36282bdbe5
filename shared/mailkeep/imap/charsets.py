"""Charsets of the strings in SEARCH, SORT and THREAD (RFC 9051 section 6.4.4).

US-ASCII and UTF-8 are what the standard asks for; the rest are what clients have been seen to use. A
closed list: an unknown name is refused with BADCHARSET and this list, never handed to a codec registry.
"""

from __future__ import annotations

from mailkeep.imap.errors import BadCharset, ImapSyntaxError

CHARSETS = ("US-ASCII", "UTF-8", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252")

_CODECS = {
    "US-ASCII": "ascii",
    "ASCII": "ascii",
    "UTF-8": "utf-8",
    "ISO-8859-1": "latin-1",
    "ISO-8859-15": "iso8859-15",
    "WINDOWS-1252": "cp1252",
}


def codec_of(charset: str | None) -> str:
    """Python's codec for a charset in upper case. Without one the octets should be US-ASCII; UTF-8, which
    includes it, is what IMAP4rev2 makes of that. Raises BadCharset."""
    if charset is None:
        return "utf-8"
    try:
        return _CODECS[charset]
    except KeyError:
        raise BadCharset("That charset is not known here.") from None


def decode_text(octets: bytes, codec: str) -> str:
    """Unicode. Raises ImapSyntaxError if the octets are not in that charset."""
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        raise ImapSyntaxError("A string is not in the charset that was named.") from None
