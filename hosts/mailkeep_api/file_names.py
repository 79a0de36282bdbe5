"""File names in Content-Disposition (RFC 6266): quoted ASCII for every client, UTF-8 for those that can."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

SUBJECT_LIMIT = 100  # characters of a subject in a file name

_NOT_QUOTED = re.compile(r'[^\x20-\x7e]|["\\%]')  # "%" too: some clients decode it within quotes
_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187 section 3.2.1, besides letters and digits
_SEPARATORS = re.compile(r"[/\\]")


def attachment(file_name: str) -> str:
    """The field value that has the client save the body under this name."""
    shown = "".join(char for char in file_name if char.isprintable()) or "file"
    plain = _NOT_QUOTED.sub("_", shown)
    extended = "" if plain == shown else f"; filename*=UTF-8''{quote(shown, safe=_ATTR_CHAR)}"
    return f'attachment; filename="{plain}"{extended}'


def for_message(subject: str, received_at: datetime) -> str:
    """What an exported message is called: its subject without path separators, and its day."""
    words = _SEPARATORS.sub("-", subject)[:SUBJECT_LIMIT].strip(" .") or "message"
    return f"{words}_{received_at:%Y%m%d}.eml"


def for_mailbox(at: datetime) -> str:
    """What an exported mailbox is called."""
    return f"emails_{at:%Y%m%d_%H%M%S}.mbox"
