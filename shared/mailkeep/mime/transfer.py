"""Content transfer encodings (RFC 2045 section 6), decoded with tolerance: what is damaged gives what can be
saved of it, never an error.

`decode` is for a whole body in memory; `decoded_chunks` goes through a range of a large message piece by
piece, with memory bounded by its chunk; `Decoder` takes pieces as they arrive.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator

from mailkeep.mime.octets import Octets, piece

CHUNK = 256 * 1024  # octets of encoded input taken at a time
LINE_LIMIT = 64 * 1024  # a quoted-printable or uuencoded line longer than this is decoded in pieces

IDENTITY = frozenset(("", "7bit", "8bit", "binary"))
_UUENCODE = frozenset(("x-uuencode", "uuencode", "x-uue", "uue"))
_USUAL = {name.encode(): name for name in ("7bit", "8bit", "quoted-printable", "base64", "binary")}
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)
_UU_BEGIN = re.compile(rb"(?:\A|\n)begin(?:-base64)? [0-7]{3,4} [^\n]*\n")
_SPACE_AT_LINE_END = (b" \r\n", b" \n", b"\t\r\n", b"\t\n")


def normal_name(encoding: str | bytes | None) -> str:
    """A transfer encoding's name in lower case without comments; "7bit" if there is none."""
    if encoding is None:
        return "7bit"
    if isinstance(encoding, str):
        text = encoding
    elif encoding in _USUAL:
        return _USUAL[encoding]
    else:
        text = encoding.decode("latin-1")
    return text.partition("(")[0].strip(' \t";').lower()[:40] or "7bit"


def decode(octets: Octets, encoding: str) -> bytes:
    """The decoded body. Unknown encodings give the octets unchanged."""
    name = normal_name(encoding)
    raw = octets if isinstance(octets, bytes) else bytes(octets)
    if name == "base64":
        return decode_base64(raw)
    if name == "quoted-printable":
        return decode_quoted_printable(raw)
    if name in _UUENCODE:
        return decode_uuencode(raw)
    return raw


def is_known(encoding: str) -> bool:
    """True if `decode` does what the name says."""
    name = normal_name(encoding)
    return name in IDENTITY or name in _UUENCODE or name in ("base64", "quoted-printable")


def decode_base64(raw: bytes) -> bytes:
    """Base64 with anything else between ignored; an incomplete end gives its whole octets."""
    if b"=" not in raw.rstrip(b"=\r\n \t"):
        return _base64_run(raw)
    return b"".join(_base64_run(run) for run in raw.split(b"="))  # concatenated, each with its padding


def _base64_run(raw: bytes) -> bytes:
    digits = raw.translate(None, _NOT_BASE64)
    over = len(digits) % 4
    if over == 1:
        digits = digits[:-1]
    elif over:
        digits += b"=="[over - 2 :]
    return binascii.a2b_base64(digits)


def decode_quoted_printable(raw: bytes) -> bytes:
    """Quoted-printable; what is no escape stays. White space at line ends goes (RFC 2045 section 6.7, 3)."""
    if raw.endswith((b" ", b"\t")) or any(ending in raw for ending in _SPACE_AT_LINE_END):
        raw = b"\n".join(map(_without_trailing_space, raw.split(b"\n")))
    return binascii.a2b_qp(raw)


def _without_trailing_space(line: bytes) -> bytes:
    if line.endswith(b"\r"):
        return line[:-1].rstrip(b" \t") + b"\r"
    return line.rstrip(b" \t")


def decode_uuencode(raw: bytes) -> bytes:
    """The first uuencoded file in the octets, or the octets if there is none."""
    begin = _UU_BEGIN.search(raw)
    if begin is None:
        return raw
    decoded = []
    for line in raw[begin.end() :].replace(b"\r\n", b"\n").split(b"\n"):
        if line in (b"end", b"`", b""):
            break
        decoded.append(_uu_line(line))
    return b"".join(decoded)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        length = (line[0] - 32) & 63  # encoders that append a checksum or lose spaces: go by the count
        needed = 1 + (length * 4 + 2) // 3
        try:
            return binascii.a2b_uu(line[:needed].ljust(needed))
        except binascii.Error:
            return b""


def decoded_chunks(
    octets: Octets, start: int, end: int, encoding: str, chunk: int = CHUNK
) -> Iterator[bytes]:
    """The decoded body [start, end) in pieces, from `chunk` octets each; joined they are what `decode` gives.
    Uuencoded bodies come whole: they have no form that can be cut."""
    decoder = Decoder(encoding)
    for at in range(start, end, chunk):
        yield decoder.feed(piece(octets, at, min(at + chunk, end)))
    yield decoder.finish()


class Decoder:
    """The same for a body that arrives in pieces: what they give, joined, is what `decode` gives. Holds less
    than a line of a piece, except of a uuencoded body, of which it holds all."""

    __slots__ = ("_feed", "_finish", "_rest")

    def __init__(self, encoding: str) -> None:
        name = normal_name(encoding)
        self._rest = b""
        self._feed: Callable[[Decoder, bytes], bytes] = _FEEDS.get(name, Decoder._feed_identity)
        self._finish: Callable[[bytes], bytes] = _FINISHES.get(name, bytes)
        if name in _UUENCODE:
            self._feed, self._finish = Decoder._feed_nothing, decode_uuencode

    def feed(self, octets: bytes) -> bytes:
        """What can be decoded by now."""
        return self._feed(self, octets)

    def finish(self) -> bytes:
        """The rest."""
        return self._finish(self._rest)

    def _feed_identity(self, octets: bytes) -> bytes:
        return octets

    def _feed_nothing(self, octets: bytes) -> bytes:
        self._rest += octets
        return b""

    def _feed_base64(self, octets: bytes) -> bytes:
        *complete, rest = (self._rest + octets).split(b"=")
        decoded = b"".join(_base64_run(run) for run in complete)
        digits = rest.translate(None, _NOT_BASE64)
        whole = len(digits) & ~3
        self._rest = digits[whole:]
        return decoded + binascii.a2b_base64(digits[:whole])

    def _feed_quoted_printable(self, octets: bytes) -> bytes:
        block = self._rest + octets
        cut = block.rfind(b"\n") + 1
        if not cut and len(block) > LINE_LIMIT:
            cut = _before_escape(block)
        self._rest = block[cut:]
        return decode_quoted_printable(block[:cut])


_FEEDS = {"base64": Decoder._feed_base64, "quoted-printable": Decoder._feed_quoted_printable}
_FINISHES = {"base64": _base64_run, "quoted-printable": decode_quoted_printable}


def _before_escape(block: bytes) -> int:
    """Where a line without an end may be cut: not within an escape, nor within white space or after it."""
    cut = len(block)
    while True:
        kept = len(block[:cut].rstrip(b" \t\r"))
        escape = block.rfind(b"=", max(kept - 2, 0), kept)
        if escape < 0:
            return kept
        cut = escape
