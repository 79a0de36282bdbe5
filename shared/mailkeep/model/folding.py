"""Comparing texts as people do: without regard to case, and to how accents are written."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """The form in which texts are compared."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
