"""SASLprep (RFC 4013): the one form in which identities and secrets are compared.

The standard library has the tables of RFC 3454, not the profile. Strings are prepared as queries are, so
code points that Unicode 3.2 did not know pass. ASCII, which is what API keys and tokens are made of,
takes the short way.
"""

from __future__ import annotations

import stringprep
import unicodedata

_PROHIBITED = (  # RFC 4013 section 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class NotPreparable(ValueError):
    """The string holds something that the profile prohibits. The message never repeats it."""


def saslprep(text: str) -> str:
    """The prepared form of `text`. Raises NotPreparable."""
    if text.isascii():
        if not text.isprintable():
            raise NotPreparable("a control character")
        return text
    mapped = "".join(_mapped(char) for char in text)
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)  # RFC 4013 section 2.2
    if any(prohibits(char) for char in prepared for prohibits in _PROHIBITED):
        raise NotPreparable("a prohibited character")
    _check_bidirectional(prepared)
    return prepared


def _mapped(char: str) -> str:
    if stringprep.in_table_c12(char):
        return " "
    return "" if stringprep.in_table_b1(char) else char  # RFC 4013 section 2.1


def _check_bidirectional(text: str) -> None:
    """RFC 3454 section 6: right-to-left text stands alone, and opens and closes the string."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return
    if any(stringprep.in_table_d2(char) for char in text):
        raise NotPreparable("both directions of writing")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise NotPreparable("right-to-left text that does not fill the string")
