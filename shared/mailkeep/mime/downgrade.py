"""Header sections for readers who know ASCII only, made of ones with UTF-8 in them (RFC 6858, simplified).

Text becomes encoded words (RFC 2047), parameters take the form of RFC 2231, and an address that cannot be
written in ASCII becomes the display name of one that leads nowhere (RFC 2606): a reply to it must fail rather
than reach a stranger. In fields that programs read, octets beyond ASCII become "?". Fields in ASCII stay as
they are, octet for octet. What comes out is ASCII whatever went in; a signature over what was changed no
longer fits, which is why nobody gets this who has not to.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mailkeep.mime import addresses, headers
from mailkeep.mime import charset as charsets
from mailkeep.mime.addresses import MISSING_DOMAIN, MISSING_MAILBOX, Mailbox
from mailkeep.mime.octets import Octets, piece
from mailkeep.mime.scan import Entity, scan

NOWHERE = b"<invalid@internationalized-address.invalid>"
WORD_OCTETS = 45  # of UTF-8 in one encoded word: 72 characters with its frame (RFC 2047 section 2 allows 75)

_SMALL = 16 * 1024  # octets that are looked at as a whole in less time than section by section
_ADDRESSES = re.compile(
    rb"(?:resent-)?(?:from|sender|reply-to|to|cc|bcc)|return-path|disposition-notification-to|mail-followup-to",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(rb"content-(?:type|disposition)", re.IGNORECASE)
_FOR_PROGRAMS = re.compile(
    rb"(?:resent-)?(?:message-id|date)|in-reply-to|references|received.*|delivered-to|mime-version|content-.*|dkim-.*"
    rb"|arc-.*|authentication-results|auto-submitted|list-.*|",
    re.IGNORECASE,
)
_WORDS = re.compile(rb"[ \t]+|[^ \t]+")
_PARAMETER = re.compile(rb'([A-Za-z0-9!#$&+.^_`{|}~-]+)=(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]+))', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_BEYOND = re.compile(rb"[\x80-\xff]+")
_DOT_ATOM = re.compile(rb"[^\x00-\x20\x7f\"(),:;<>@\[\]\\.]+(?:\.[^\x00-\x20\x7f\"(),:;<>@\[\]\\.]+)*\Z")
_ATTRIBUTE_SAFE = re.compile(r"[A-Za-z0-9!#$&+.^_`{}~-]")  # RFC 2231 section 7, attribute-char


def sections(entities: Sequence[Entity], octets: Octets) -> list[tuple[int, int]]:
    """Where the header sections with octets beyond ASCII lie in a message: [start, end), in order."""
    if len(octets) <= _SMALL and isinstance(octets, bytes) and octets.isascii():
        return []
    places = ((entity.header_start, entity.body_start) for entity in entities)
    return sorted((start, end) for start, end in places if not piece(octets, start, end).isascii())


def growth(entities: Sequence[Entity], octets: Octets) -> int | None:
    """By how many octets the message becomes longer; None if there is nothing to change."""
    found = sections(entities, octets)
    if not found:
        return None
    return sum(len(section(piece(octets, start, end))) - (end - start) for start, end in found)


def message(octets: bytes) -> bytes:
    """A whole message with all its header sections in ASCII."""
    found = sections(scan(octets), octets)
    edges = [0, *(edge for place in found for edge in place), len(octets)]
    pieces = [octets[start:end] for start, end in pairwise(edges)]
    return b"".join(section(each) if number % 2 else each for number, each in enumerate(pieces))


def section(header: bytes) -> bytes:
    """A whole header section, with its blank line if it has one, in ASCII."""
    made, length = [], 0
    for name, raw in headers.fields(header):
        length += len(raw)
        made.append(raw if raw.isascii() else _field(name, raw))
    made.append(_without(header[length:]))
    return b"".join(made)


def _field(name: bytes, raw: bytes) -> bytes:
    body = raw.rstrip(b"\r\n")
    end = raw[len(body) :]
    fold = (end[-2:] or headers.CRLF) + b" "
    before, colon, value = body.partition(b":")
    value = headers.unfold(value)
    if _FOR_PROGRAMS.fullmatch(name) and not _PARAMETERS.fullmatch(name):
        return _without(raw)
    if _ADDRESSES.fullmatch(name):
        made = _address_list(value, fold)
    elif _PARAMETERS.fullmatch(name):
        made = _PARAMETER.sub(_parameter, value)
    else:
        made = _text(value, fold)
    return _without(before + colon + b" " + made + end)


# --- text -----------------------------------------------------------------------------------------


def _text(value: bytes, fold: bytes) -> bytes:
    """Runs of words with octets beyond ASCII, each run encoded as a whole, the space within it included."""
    made: list[bytes] = []
    run: list[bytes] = []
    pending = b""
    for word in _WORDS.findall(value):
        if word.isspace():
            pending = word
        elif word.isascii():
            made += [*_encoded_run(run, fold), pending, word]
            pending = b""
        else:
            if run:
                run.append(pending)
            else:
                made.append(pending)
            run.append(word)
            pending = b""
    return b"".join([*made, *_encoded_run(run, fold)])


def _encoded_run(run: list[bytes], fold: bytes) -> list[bytes]:
    made = [_encoded(b"".join(run), fold)] if run else []
    run.clear()
    return made


def _encoded(octets: bytes, fold: bytes) -> bytes:
    words = (base64.b64encode(part) for part in _cut(charsets.decode(octets, "")))
    return fold.join(b"=?utf-8?b?" + word + b"?=" for word in words)


def _cut(text: str) -> Iterator[bytes]:
    """UTF-8 in pieces, none of which ends within a character (RFC 2047 section 5)."""
    part = b""
    for char in text:
        octets = char.encode("utf-8", "replace")
        if len(part) + len(octets) > WORD_OCTETS:
            yield part
            part = b""
        part += octets
    yield part


# --- addresses ------------------------------------------------------------------------------------


def _address_list(value: bytes, fold: bytes) -> bytes:
    found = addresses.parse(value)
    if any(one.mailbox == MISSING_MAILBOX or one.host == MISSING_DOMAIN for one in found):
        return _text(value, fold)
    made: list[bytes] = []
    opens = True  # no comma before the first one, nor after a group's colon
    for one in found:
        if one.host is None:
            made.append(b";" if one.mailbox is None else (b"" if opens else b"," + fold) + _group(one, fold))
            opens = one.mailbox is not None
        else:
            made.append((b"" if opens else b"," + fold) + _mailbox(one, fold))
            opens = False
    return b"".join(made)


def _group(one: Mailbox, fold: bytes) -> bytes:
    return _phrase(one.mailbox or b"", fold) + b":"


def _mailbox(one: Mailbox, fold: bytes) -> bytes:
    local, host = one.mailbox or b"", one.host or b""
    if not local.isascii() or not host.isascii():
        return _phrase((one.name + b" " if one.name else b"") + local + b"@" + host, fold) + b" " + NOWHERE
    written = local if _DOT_ATOM.match(local) else _quoted(local)
    address = b"<" + written + b"@" + host + b">"
    return _phrase(one.name, fold) + b" " + address if one.name else address


def _phrase(text: bytes, fold: bytes) -> bytes:
    return _encoded(text, fold) if not text.isascii() else text if b"=?" in text else _quoted(text)


def _quoted(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


# --- parameters -----------------------------------------------------------------------------------


def _parameter(match: re.Match[bytes]) -> bytes:
    name, quoted, plain = match.groups()
    value = _ESCAPED.sub(rb"\1", quoted) if plain is None else plain
    if value.isascii():
        return match.group()
    text = charsets.decode(value, "")
    return name + b"*=utf-8''" + "".join(_percent(char) for char in text).encode("ascii")


def _percent(char: str) -> str:
    if _ATTRIBUTE_SAFE.fullmatch(char):
        return char
    return "".join(f"%{octet:02X}" for octet in char.encode("utf-8", "replace"))


def _without(octets: bytes) -> bytes:
    return octets if octets.isascii() else _BEYOND.sub(b"?", octets)
