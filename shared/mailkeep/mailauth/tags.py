"""Tag lists (RFC 6376 section 3.2): what DKIM's and ARC's fields, keys and DMARC's records are written in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailkeep.errors import PeerError

LIST_LIMIT = 16 * 1024  # octets of one list; a signature with a key of 4096 bits has about 1 KiB

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_FOLDING = re.compile(r"[ \t\r\n]+")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e \t\r\n]*\Z")


class TagSyntax(PeerError):
    """Not a tag list, or one that lacks what it must have."""


def parse(octets: bytes) -> Mapping[str, str]:
    """Values by tag, without the white space around them. Raises TagSyntax, also if a tag comes twice."""
    if len(octets) > LIST_LIMIT:
        raise TagSyntax("The tag list is too long.")
    try:
        text = octets.decode("utf-8")  # RFC 8616 section 3: U-labels and UTF-8 local parts
    except UnicodeDecodeError:
        raise TagSyntax("The tag list is not UTF-8.") from None
    found: dict[str, str] = {}
    for spec in text.removesuffix(";").split(";") if text.strip() else ():
        name, equals, value = spec.partition("=")
        name = name.strip(" \t\r\n")
        if not name and not equals and not value:
            continue  # an empty one at the end, after white space
        if not equals or not _NAME.match(name) or (value.isascii() and not _VALUE.match(value)):
            raise TagSyntax("A tag has the form name=value.")
        if name in found:
            raise TagSyntax(f"The tag {name} stands there twice.")
        found[name] = value.strip(" \t\r\n")
    return found


def without_space(value: str) -> str:
    """A value in which white space means nothing, such as base64."""
    return _FOLDING.sub("", value)


def items(value: str) -> tuple[str, ...]:
    """A list with colons, in lower case."""
    return tuple(without_space(item).lower() for item in value.split(":"))
