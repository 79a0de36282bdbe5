"""The forms in which header fields and bodies are hashed (RFC 6376 section 3.4).

A body is read once a form, in windows, whatever its size and however many signatures ask: nothing is copied
but a window. Lines end in CRLF here: reception takes no others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailkeep.mime.octets import Octets, piece

WINDOW = 256 * 1024  # octets of body at a time

_SPACES = re.compile(rb"  +")  # begins with what can be searched for fast
_ANY_SPACE = re.compile(rb"[ \t\r\n]+")
_CRLF: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class BodyForm:
    """One way to hash a body. `length` is how many octets of the canonical body count, None for all."""

    relaxed: bool
    length: int | None = None


@dataclass(frozen=True, slots=True)
class HashedBody:
    """`length` is of the whole canonical body: a signature that covers less leaves room for additions."""

    digest: bytes
    length: int


def header_field(raw: bytes, relaxed: bool) -> bytes:
    """One field as it is hashed, with its line end (sections 3.4.1 and 3.4.2)."""
    if not relaxed:
        return raw if raw.endswith(b"\n") else raw + _CRLF
    name, _, value = raw.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + _ANY_SPACE.sub(b" ", value).strip(b" ") + _CRLF


def hash_bodies(body: Octets, forms: Collection[BodyForm]) -> Mapping[BodyForm, HashedBody]:
    """SHA-256 of a body in each form."""
    made: dict[BodyForm, HashedBody] = {}
    for relaxed in {form.relaxed for form in forms}:
        counters = {form: _Counter(form.length) for form in forms if form.relaxed is relaxed}
        for octets in _canonical(body, relaxed):
            for counter in counters.values():
                counter.update(octets)
        made |= {form: counter.finish() for form, counter in counters.items()}
    return made


class _Counter:
    """A digest of the first `limit` octets, and the count of all."""

    def __init__(self, limit: int | None) -> None:
        self._digest = hashlib.sha256()
        self._limit = limit
        self._length = 0

    def update(self, octets: bytes) -> None:
        room = len(octets) if self._limit is None else max(0, self._limit - self._length)
        self._digest.update(octets[:room] if room < len(octets) else octets)
        self._length += len(octets)

    def finish(self) -> HashedBody:
        return HashedBody(self._digest.digest(), self._length)


def _canonical(body: Octets, relaxed: bool) -> Iterator[bytes]:
    """The canonical body in pieces (sections 3.4.3 and 3.4.4). Empty lines wait until something follows."""
    empty_lines = 0
    some = False
    for lines in _windows(body):
        text = _one_space(lines).replace(b" \r\n", _CRLF) if relaxed else lines
        if relaxed and text.endswith(b" "):  # the body's last line, if it does not end
            text = text[:-1]
        kept = _without_empty_lines(text)
        if kept:
            yield from _repeated(empty_lines)
            yield kept
            some, empty_lines = True, 0
        empty_lines += text.count(_CRLF, len(kept))
    if some or not relaxed:
        yield _CRLF


def _one_space(lines: bytes) -> bytes:
    """White space within lines as single spaces. Most of a message is base64, which has none."""
    spaced = lines.replace(b"\t", b" ")
    return _SPACES.sub(b" ", spaced) if b"  " in spaced else spaced


def _without_empty_lines(text: bytes) -> bytes:
    """Only whole CRLFs go: in binary content CR and LF may end a body on their own."""
    kept = text.rstrip(_CRLF)
    ending = text[len(kept) :]
    if ending == _CRLF * (len(ending) // 2):
        return kept
    empty = len(ending)
    while ending[:empty].endswith(_CRLF):
        empty -= 2
    return kept + ending[:empty]


def _repeated(count: int) -> Iterator[bytes]:
    for at in range(0, count, WINDOW):
        yield _CRLF * min(WINDOW, count - at)


def _windows(body: Octets) -> Iterator[bytes]:
    """The body in pieces that end where a line does, but for the last."""
    rest = b""
    for at in range(0, len(body), WINDOW):
        octets = rest + piece(body, at, min(at + WINDOW, len(body)))
        end = octets.rfind(b"\n") + 1
        if end:
            yield octets[:end]
        rest = octets[end:]
    if rest:
        yield rest
