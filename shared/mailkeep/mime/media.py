"""Media types: what a Content-Type field makes of an entity (RFC 2045 section 5, RFC 2046).

What is no media type is taken as the default, text/plain in US-ASCII, and so is a multipart that names no
boundary: nobody could find its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

from mailkeep.mime import params
from mailkeep.mime.params import Parameterised
from mailkeep.mime.wire import NIL, listed, string

BOUNDARY_LIMIT = 998  # octets; RFC 2046 says 70, senders write more, no line may be longer
TYPE_LIMIT = 127  # octets of a type or subtype, RFC 6838 section 4.2
REMEMBERED_LENGTH = 128  # octets of a field value: the common ones are shorter, and read once

_TOKEN = b"!#$%&'*+-.^_`{|}~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Kind(IntEnum):
    """What an entity is made of. Stored in part indexes: never renumber."""

    LEAF = 0
    MULTIPART = 1
    MESSAGE = 2  # message/rfc822 or message/global


@dataclass(frozen=True, slots=True)
class Media:
    """A media type as written, or what the rules put in its place. `boundary` is b"" but in multiparts.

    Most are remembered, so what everybody asks of them is made with them: `lower` is the whole type in lower
    case, `charset` what the parameter says, and `wire` type, subtype and parameters as BODY has them.
    """

    type: bytes
    subtype: bytes
    content_type: Parameterised
    kind: Kind
    boundary: bytes = b""
    lower: bytes = field(init=False)
    charset: bytes = field(init=False)
    wire: bytes = field(init=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        set_once(self, "lower", self.content_type.token.lower())
        set_once(self, "charset", self.content_type.octets(b"charset") or b"")
        words = (string(self.type), string(self.subtype), wire_parameters(self.content_type))
        set_once(self, "wire", b" ".join(words))

    @property
    def is_text(self) -> bool:
        """True for text of any kind."""
        return self.lower.startswith(b"text/")


def wire_parameters(parsed: Parameterised) -> bytes:
    """Parameters as BODY has them (RFC 9051 section 7.5.2)."""
    if not parsed.parameters:
        return NIL
    return listed([string(word) for pair in parsed.parameters for word in pair])


def _plain(token: bytes, kind: Kind = Kind.LEAF, *parameters: tuple[bytes, bytes]) -> Media:
    type_, _, subtype = token.partition(b"/")
    return Media(type_, subtype, Parameterised(token, parameters), kind)


TEXT_PLAIN = _plain(b"text/plain", Kind.LEAF, (b"charset", b"us-ascii"))
MESSAGE_RFC822 = _plain(b"message/rfc822", Kind.MESSAGE)
OPAQUE = _plain(b"application/octet-stream")


def media_of(value: bytes | None, default: Media = TEXT_PLAIN) -> Media:
    """The media type that an unfolded Content-Type says; `default` where there is no such field."""
    if value is None:
        return default
    return _remembered(value) if len(value) <= REMEMBERED_LENGTH else _read(value)


def _read(value: bytes) -> Media:
    parsed = params.parse(value)
    type_, slash, subtype = parsed.token.partition(b"/")
    type_, subtype = type_.strip(), subtype.strip()
    if not slash or not _is_token(type_) or not _is_token(subtype):
        return TEXT_PLAIN
    lower, token = type_.lower(), type_ + b"/" + subtype
    if lower == b"multipart":
        boundary = (parsed.octets(b"boundary") or b"").rstrip()  # RFC 2046 section 5.1.1: no space at its end
        if not 0 < len(boundary) <= BOUNDARY_LIMIT:
            return TEXT_PLAIN
        return Media(type_, subtype, Parameterised(token, parsed.parameters), Kind.MULTIPART, boundary)
    parameters = parsed.parameters
    if lower == b"text" and not parameters:
        parameters = TEXT_PLAIN.content_type.parameters
    embeds = lower == b"message" and subtype.lower() in (b"rfc822", b"global")  # RFC 6532 section 3.7
    return Media(type_, subtype, Parameterised(token, parameters), Kind.MESSAGE if embeds else Kind.LEAF)


_remembered = lru_cache(maxsize=512)(_read)


def _is_token(word: bytes) -> bool:
    return 0 < len(word) <= TYPE_LIMIT and not word.translate(None, _TOKEN)
