"""Status responses and what stands by itself in a line (RFC 9051 sections 7.1 and 7.6).

The functions are the same as the values without a value in between, for lines that are made once a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from mailkeep.imap.names import LEGACY, NameForm

SENTENCES_KEPT = 256  # most answers are one of a few
SENTENCE_KEPT = 200  # characters: what is longer repeats something of the client's
_UNFIT = re.compile(r"[^\x20-\x7e]+")  # resp-text of an IMAP4rev1 client is TEXT-CHAR


class Condition(Enum):
    """RFC 9051 section 7.1."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    PREAUTH = "PREAUTH"
    BYE = "BYE"


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """Tagged, or untagged if `tag` is None. `code` is a response code without brackets, b"" for none."""

    condition: Condition
    text: str
    code: bytes = b""
    tag: str | None = None

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return tagged(self.tag, self.condition.value.encode("ascii"), self.text, self.code)


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+ text`; for SASL, base64."""

    text: str = ""

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return continuation(self.text)


def tagged(tag: str | None, condition: bytes, text: str, code: bytes = b"") -> bytes:
    """`A1 OK [CODE] text`; untagged if the tag is not known. Text that cannot stand in a line is replaced."""
    prefix = b"*" if tag is None else tag.encode("ascii")
    line = resp_text(text)
    if code:
        return b"%b %b [%b] %b\r\n" % (prefix, condition, code, line)
    return b"%b %b %b\r\n" % (prefix, condition, line)


def untagged_ok(text: str, code: bytes = b"") -> bytes:
    """`* OK [CODE] text`."""
    return tagged(None, b"OK", text, code)


def bye(text: str, code: bytes = b"") -> bytes:
    """`* BYE [CODE] text`."""
    return tagged(None, b"BYE", text, code)


def continuation(text: str = "") -> bytes:
    """`+ text`. The space stands even before nothing (RFC 9051 section 7.6)."""
    return b"+ %b\r\n" % _UNFIT.sub("?", text).encode("ascii")


def resp_text(text: str) -> bytes:
    """Text for a status line: never empty, never mistaken for a code."""
    return _known(text) if len(text) <= SENTENCE_KEPT else _fit(text)


@lru_cache(SENTENCES_KEPT)
def _known(text: str) -> bytes:
    return _fit(text)


def _fit(text: str) -> bytes:
    line = _UNFIT.sub("?", text).strip() or "Done."
    return (f"({line})" if line.startswith("[") else line).encode("ascii")
