"""What a mailbox may be called (RFC 9051 section 5.1): Unicode in NFC, "/" between the parts."""

from __future__ import annotations

import unicodedata

from mailkeep.errors import InvalidName
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, INBOX, MAILBOX_DEPTH_LIMIT, MAILBOX_NAME_LIMIT

_WILDCARDS = "*%"  # LIST would never find such a name alone


def normal_name(name: str) -> str:
    """The form under which a name is stored and looked up. Raises InvalidName."""
    parts = unicodedata.normalize("NFC", name).split(HIERARCHY_DELIMITER)
    if parts[0].upper() == INBOX:
        parts[0] = INBOX
    if not all(parts):
        raise InvalidName("A mailbox name has no empty part.")
    normal = HIERARCHY_DELIMITER.join(parts)
    if len(normal) > MAILBOX_NAME_LIMIT or len(parts) > MAILBOX_DEPTH_LIMIT:
        raise InvalidName(
            f"A mailbox name has at most {MAILBOX_NAME_LIMIT} characters and {MAILBOX_DEPTH_LIMIT} parts."
        )
    if any(_is_refused(char) for char in normal):
        raise InvalidName("A mailbox name holds no control characters and neither * nor %.")
    return normal


def lookup_name(name: str) -> str | None:
    """The same for a name that is asked for: None if no mailbox can have it."""
    try:
        return normal_name(name)
    except InvalidName:
        return None


def parents(name: str) -> list[str]:
    """The names above a normal name, the highest first."""
    parts = name.split(HIERARCHY_DELIMITER)
    return [HIERARCHY_DELIMITER.join(parts[:depth]) for depth in range(1, len(parts))]


def _is_refused(char: str) -> bool:
    # Cc: controls, Cs: lone surrogates; U+2028 and U+2029 break lines (RFC 5198 section 2).
    return char in _WILDCARDS or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
