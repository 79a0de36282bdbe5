"""Where in an account's change log a listener stands, as a short text that any API process can read.

It holds each mailbox's HIGHESTMODSEQ: ids and modseqs as LEB128 numbers, ids as steps from one to the next,
in base64url. A client may send anything back; the store answers for the caller's own account alone, and a
position that never was is answered by the word to read lists anew.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

TEXT_LIMIT = 4096  # characters: some 700 mailboxes. Who has more reads their lists anew after a restart
_NUMBER_LIMIT = 1 << 63


def pack(heads: Mapping[int, int]) -> str:
    """From mailbox ids and modseqs; "" if they do not fit."""
    octets = bytearray()
    last = 0
    for id in sorted(heads):
        _put(octets, id - last)
        _put(octets, heads[id])
        last = id
    text = base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
    return text if len(text) <= TEXT_LIMIT else ""


def unpack(text: str) -> dict[int, int] | None:
    """Mailbox ids and modseqs again; None if the text is no position."""
    if not text or len(text) > TEXT_LIMIT or not text.isascii():
        return None
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        numbers = _numbers(octets)
    except (binascii.Error, ValueError):
        return None
    if len(numbers) % 2:
        return None
    heads: dict[int, int] = {}
    id = 0
    for step, modseq in zip(numbers[::2], numbers[1::2], strict=True):
        id += step
        if not step or id >= _NUMBER_LIMIT:
            return None
        heads[id] = modseq
    return heads


def _put(octets: bytearray, number: int) -> None:
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)


def _numbers(octets: bytes) -> list[int]:
    """Raises ValueError for a number without an end, or too large for a database."""
    numbers = []
    number = shift = 0
    for octet in octets:
        number |= (octet & 0x7F) << shift
        shift += 7
        if number >= _NUMBER_LIMIT or shift > 70:
            raise ValueError
        if octet < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise ValueError
    return numbers
