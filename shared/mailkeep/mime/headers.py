"""Header fields: taking a header section apart without changing an octet of it.

A field is a line and the lines that continue it (RFC 5322 section 2.2.3). What is not a field (an mbox
"From " line, a line without a colon) is kept for those who want every octet and ignored by the others.
Values are returned as octets; what they mean is for other modules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

CRLF = b"\r\n"

FIELDS_PER_HEADER = 5_000  # fields looked at in one header section; the rest is not indexed

# RFC 5322 section 2.2: a name is printable US-ASCII without colon; section 4.5 allows space before it.
_UNFOLDED_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.MULTILINE)
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_WHOLE_NAME = re.compile(rb"[!-9;-~]+")
_LINE_AND_CONTINUATIONS = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*\n?")
_BLANK = (b"", b"\n", b"\r", b"\r\n")


def fields(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name as written, raw octets with line ends) of every field; the name is b"" for what is no field.

    Joining the raw octets gives the header without its blank line.
    """
    if b"\n" not in header and b"\r" in header:
        yield from _fields_ended_by_cr(header)
        return
    for match in _LINE_AND_CONTINUATIONS.finditer(header):
        raw = match.group()
        if raw in _BLANK:
            return
        name = _NAME.match(raw)
        yield (name.group(1) if name else b""), raw


def _fields_ended_by_cr(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, raw in fields(header.replace(b"\r", b"\n")):
        yield name, raw.replace(b"\n", b"\r")


def select(header: bytes, names: Collection[bytes], matching: Literal["only", "not"]) -> bytes:
    """HEADER.FIELDS ("only") and HEADER.FIELDS.NOT ("not") of RFC 9051 section 6.4.5.1.

    Fields come in the order of the message, each as it stands there, with the blank line that ends a header.
    """
    wanted = {name.lower() for name in names}
    only = matching == "only"
    kept = b"".join(raw for name, raw in fields(header) if (name.lower() in wanted) is only)
    if kept and not kept.endswith((b"\n", b"\r")):
        kept += CRLF
    return kept + CRLF


def is_name(name: bytes) -> bool:
    """True for what a field can be called (RFC 5322 section 2.2)."""
    return _WHOLE_NAME.fullmatch(name) is not None


def first(header: bytes, name: bytes) -> bytes | None:
    """The unfolded value of the first field of that name in any case, or None."""
    return index(header).get(name.lower())


def index(header: bytes, joined: Collection[bytes] = ()) -> dict[bytes, bytes]:
    """Unfolded values by lower-case name. Of several fields with one name the first counts, except that the
    values of fields named in `joined` are joined by commas (RFC 5322 section 4.5.3).
    """
    if b"\n" not in header:
        header = header.replace(b"\r", b"\n")
    for space in (b" ", b"\t"):
        if b"\n" + space in header:
            header = header.replace(CRLF + space, space).replace(b"\n" + space, space)
    pairs = _UNFOLDED_FIELD.findall(header)[:FIELDS_PER_HEADER]
    found = {name.lower(): value.rstrip() for name, value in reversed(pairs)}  # of several the first stays
    if len(found) < len(pairs):
        names = [name.lower() for name, _ in pairs]
        for name in joined:
            if names.count(name) > 1:
                values = (value for (_, value), each in zip(pairs, names, strict=True) if each == name)
                found[name] = b", ".join([value.rstrip() for value in values])
    return found


def unfold(value: bytes) -> bytes:
    """The value without the line ends that fold it and without white space around it (RFC 5322 2.2.3)."""
    if b"\n" in value:
        value = value.replace(CRLF, b"").replace(b"\n", b"")
    return value.strip(b" \t\r\n")
