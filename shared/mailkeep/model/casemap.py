"""The collation i;unicode-casemap (RFC 5051), in which searches compare texts: IMAP's and the API's alike.

The index of what messages say is made in it, so whoever searches by another finds something else.
"""

from __future__ import annotations

import unicodedata


class _TitleCase(dict[int, str]):
    """The simple mapping of each character, as far as it was asked for. Where the full one is longer
    than a character there is no simple one: the sharp s stays."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        title = character.title()
        self[code] = mapped = title if len(title) == 1 else character
        return mapped


_TITLE_CASE = _TitleCase()


def fold(text: str) -> str:
    """The form in which texts are compared (RFC 5051 section 2): title case, decomposed for compatibility.
    Its order is that of its octets in UTF-8."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", text.translate(_TITLE_CASE))
