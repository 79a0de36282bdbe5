"""Messages put into a form that whoever comes next can take (RFC 6152 section 3, RFC 3030 section 3).

Each part is encoded on its own, and only if it has to be: text as quoted-printable, the rest in base64.
Messages within messages are gone through as well, because message/rfc822 itself may not be encoded (RFC 2046
section 5.2.1). What nobody may change is left alone or not converted at all: the parts of multipart/signed,
of which every octet counts (RFC 1847 section 2.1), and headers beyond ASCII, which only SMTPUTF8 can carry. A
DKIM signature over what is converted fits no longer; whoever converts has to know.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from mailkeep.errors import PeerError
from mailkeep.mime import downgrade, headers, transfer
from mailkeep.mime.binary import CHUNK, base64_lines
from mailkeep.mime.media import Kind
from mailkeep.mime.octets import Octets, piece
from mailkeep.mime.scan import Entity, scan

WINDOW = 64 * 1024  # octets looked at, or put into quoted-printable, at a time
QUOTED_SHARE = 4  # text of which more than a quarter is beyond ASCII is shorter in base64

_ENCODING, _TYPE, _VERSION = b"content-transfer-encoding", b"content-type", b"mime-version"
_NOT_ASCII = bytes(range(128, 256))
_AS_QUESTION_MARKS = bytes(octet if octet < 128 else ord("?") for octet in range(256))


class Form(Enum):
    """What the message is to consist of."""

    LINES = auto()  # that end in CRLF, without CR, LF or NUL on their own
    SEVEN_BIT = auto()  # lines of ASCII


class CannotRecode(PeerError):
    """The message cannot be put into the form, and why."""


def recoded(octets: Octets, form: Form) -> Iterator[bytes]:
    """The message in pieces. Raises CannotRecode, before or between pieces."""
    entities = scan(octets)
    signed = _within_signed(entities)
    at = 0
    for place, entity in enumerate(entities):
        yield from _between(octets, at, entity.header_start, form)
        header = piece(octets, entity.header_start, entity.body_start)
        at = entity.body_start
        encoding = _leaf_encoding(octets, entity, form) if entity.kind is Kind.LEAF else _label(entity, form)
        made = _header(header, entities, entity, encoding, form)
        if signed[place] and (encoding or made != header):
            raise CannotRecode("A part of multipart/signed would have to be changed.")
        yield made
        if entity.kind is Kind.LEAF:
            yield from _body(octets, entity, encoding)
            at = entity.body_end
    yield from _between(octets, at, len(octets), form)


def _within_signed(entities: Sequence[Entity]) -> list[bool]:
    found: list[bool] = []
    for entity in entities:
        parent = entities[entity.parent] if entity.parent >= 0 else None
        in_signed = (
            parent is not None and parent.kind is Kind.MULTIPART and parent.subtype.lower() == b"signed"
        )
        found.append(in_signed or (parent is not None and found[entity.parent]))
    return found


# --- what has to be changed -----------------------------------------------------------------------


def _label(entity: Entity, form: Form) -> bytes:
    """What a composite entity is labelled with from now on; b"" if the label may stay (RFC 2045 section
    6.4)."""
    label = transfer.normal_name(entity.fields.get(_ENCODING))
    if form is Form.LINES:
        return b"8bit" if label == "binary" else b""
    return b"7bit" if label in {"8bit", "binary"} else b""


def _leaf_encoding(octets: Octets, entity: Entity, form: Form) -> bytes:
    """The encoding that a leaf needs, b"" for none."""
    label = transfer.normal_name(entity.fields.get(_ENCODING))
    is_lines, beyond = _inspected(octets, entity.body_start, entity.body_end)
    if is_lines and not (beyond if form is Form.SEVEN_BIT else label == "binary"):
        return b""
    if label not in transfer.IDENTITY:
        raise CannotRecode("A part that says that it is encoded already holds what no encoding has.")
    media = entity.fields.get(_TYPE, b"").lower()
    if media.startswith((b"multipart/", b"message/")) and not media.startswith(b"message/global"):
        raise CannotRecode(
            "A part of a kind that may not be encoded would have to be (RFC 2045 section 6.4)."
        )
    is_text = entity.type.lower() == b"text" and is_lines
    size = entity.body_end - entity.body_start
    return b"quoted-printable" if is_text and beyond * QUOTED_SHARE <= size else b"base64"


def _inspected(octets: Octets, start: int, end: int) -> tuple[bool, int]:
    """Whether a range consists of lines without NUL, and how many of its octets are beyond ASCII."""
    is_lines, beyond, after_cr = True, 0, False
    for at in range(start, end, WINDOW):
        text = piece(octets, at, min(at + WINDOW, end))
        if not text.isascii():
            beyond += len(text) - len(text.translate(None, _NOT_ASCII))
        pairs = text.count(b"\r\n") + (after_cr and text.startswith(b"\n"))
        returns = text.count(b"\r") + after_cr
        after_cr = text.endswith(b"\r")
        is_lines = is_lines and returns - after_cr == pairs == text.count(b"\n") and b"\0" not in text
    return is_lines and not after_cr, beyond


# --- the pieces -----------------------------------------------------------------------------------


def _header(header: bytes, entities: Sequence[Entity], entity: Entity, encoding: bytes, form: Form) -> bytes:
    """A header section that says the encoding, if there is one to say."""
    _require_lines(header)
    is_message = entity.parent < 0 or entities[entity.parent].kind is Kind.MESSAGE
    if form is Form.SEVEN_BIT and not header.isascii():
        if is_message:
            raise CannotRecode("The header holds octets beyond ASCII.")
        header = downgrade.section(header)
    if not encoding:
        return header
    kept = [raw for name, raw in headers.fields(header) if name.lower() != _ENCODING]
    if kept and not kept[-1].endswith(b"\n"):
        kept.append(b"\r\n")
    if is_message and _VERSION not in entity.fields:
        kept.append(b"MIME-Version: 1.0\r\n")
    if encoding == b"quoted-printable" and _TYPE not in entity.fields:
        kept.append(b"Content-Type: text/plain; charset=unknown-8bit\r\n")  # RFC 1428 section 3
    return b"".join([*kept, b"Content-Transfer-Encoding: ", encoding, b"\r\n\r\n"])


def _body(octets: Octets, entity: Entity, encoding: bytes) -> Iterator[bytes]:
    start, end = entity.body_start, entity.body_end
    if encoding == b"quoted-printable":
        yield from _quoted(octets, start, end)
        return
    for at in range(start, end, CHUNK):
        whole = piece(octets, at, min(at + CHUNK, end))
        yield base64_lines(whole) if encoding else whole


def _quoted(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    """Lines in quoted-printable, which ends as the body does."""
    while start < end:
        text = piece(octets, start, min(start + WINDOW, end))
        cut = len(text) if start + len(text) == end else text.rfind(b"\n") + 1
        cut = cut or len(text.rstrip(b"\r"))  # a line longer than the window is broken softly
        start += cut
        broken = b"" if start == end or text[:cut].endswith(b"\n") else b"=\r\n"
        # b2a_qp breaks lines as the first line end that it sees, so that it has to see one.
        yield binascii.b2a_qp(text[:cut] + b"\r\n", istext=True).removesuffix(b"\r\n") + broken


def _between(octets: Octets, start: int, end: int, form: Form) -> Iterator[bytes]:
    """Delimiters, and text around parts that readers pass over: it stays where it can."""
    for at in range(start, end, CHUNK):
        text = piece(octets, at, min(at + CHUNK, end))
        _require_lines(text, cut=at + CHUNK < end or at > start)
        yield text.translate(_AS_QUESTION_MARKS) if form is Form.SEVEN_BIT else text


def _require_lines(text: bytes, *, cut: bool = False) -> None:
    """Outside bodies lines end in CRLF (RFC 3030 section 3). A piece that was `cut` may end within one."""
    if cut:
        text = text.removeprefix(b"\n").removesuffix(b"\r")
    pairs = text.count(b"\r\n")
    if text.count(b"\r") != pairs or text.count(b"\n") != pairs or b"\0" in text:
        raise CannotRecode("CR, LF or NUL stands on its own outside the message's parts.")
