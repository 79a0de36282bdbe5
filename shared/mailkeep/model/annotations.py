"""Annotations of mailboxes and of the server (RFC 5464): names that begin with /private or /shared.

Names are compared without regard to case and kept in lower case. What is private belongs to one account, what
is shared to the mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import Enum

PRIVATE = "/private"
SHARED = "/shared"

NAME_LIMIT = 256  # octets
VALUE_LIMIT = 16 * 1024  # octets; section 4.1 asks for at least 1024
ENTRIES_LIMIT = 100  # of one mailbox, private and shared apart; section 4.1 asks for at least 10
ACCOUNT_LIMIT = 4 * 1024 * 1024  # octets of all values of one account

# Section 3.2: no empty part, no wildcards, ASCII without controls; the first part is the scope.
_NAME = re.compile(r"/(?:private|shared)(?:/[\x20-\x7e]+)*\Z")
_REFUSED = re.compile(r"[*%]|//|/\Z")
_VENDOR_PARTS = 4  # /shared/vendor/<vendor-token>/<name>


class Depth(Enum):
    """How far below a name (RFC 5464 section 4.2.2)."""

    NAME = "0"
    CHILDREN = "1"
    ALL = "infinity"


def normal_entry(name: str) -> str | None:
    """The form under which an entry is kept; None for what cannot be one. A scope alone is a name that may
    be asked for: what matters is below it."""
    folded = name.lower()
    if len(folded) > NAME_LIMIT or not name.isascii() or not _NAME.match(folded) or _REFUSED.search(folded):
        return None
    return folded


def may_have_value(entry: str) -> bool:
    """Section 3.2: two parts at least, and four below `vendor`."""
    parts = entry.split("/")[1:]
    return len(parts) >= (_VENDOR_PARTS if parts[1:2] == ["vendor"] else 2)


def is_private(entry: str) -> bool:
    """True for what one account alone sees."""
    return entry.startswith(PRIVATE)


def chosen(entries: Iterable[str], asked: Collection[str], depth: Depth) -> list[str]:
    """Those of `entries` that are asked for, or lie below what is as far as `depth` goes; sorted."""
    return sorted(entry for entry in entries if any(_lies_within(entry, name, depth) for name in asked))


def _lies_within(entry: str, name: str, depth: Depth) -> bool:
    if entry == name:
        return True
    if depth is Depth.NAME or not entry.startswith(name + "/"):
        return False
    return depth is Depth.ALL or "/" not in entry[len(name) + 1 :]
