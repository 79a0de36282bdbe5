"""Encoded words in header fields (RFC 2047, with the language of RFC 2231 section 5).

Adjacent words of one charset are joined before they are decoded, because senders split characters between
them. What looks like an encoded word and is none stays as it is. Everything else is taken as UTF-8, else as
Windows-1252.
"""

from __future__ import annotations

import binascii
import re

from mailkeep.mime import charset as charsets
from mailkeep.mime import headers, transfer

_WORD = re.compile(rb"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")


def decode(raw: bytes) -> str:
    """Text of an unstructured field value, folded or not."""
    value = headers.unfold(raw)
    if b"=?" not in value:
        return value.decode("ascii") if value.isascii() else charsets.decode(value, "")
    text: list[str] = []
    run: list[bytes] = []
    run_charset = b""
    at = 0
    for match in _WORD.finditer(value):
        between = value[at : match.start()]
        charset = match.group(1).lower()
        adjacent = bool(run) and not between.strip()  # RFC 2047 section 6.2: white space between is dropped
        if run and (not adjacent or charset != run_charset):
            text.append(charsets.decode(b"".join(run), run_charset.decode("latin-1")))
            run.clear()
        if not adjacent:
            text.append(charsets.decode(between, ""))
        run.append(_octets(match.group(2), match.group(3)))
        run_charset = charset
        at = match.end()
    text.append(charsets.decode(b"".join(run), run_charset.decode("latin-1")))
    text.append(charsets.decode(value[at:], ""))
    return "".join(text)


def _octets(encoding: bytes, encoded: bytes) -> bytes:
    if encoding in b"qQ":
        return binascii.a2b_qp(encoded, header=True)
    return transfer.decode_base64(encoded)
