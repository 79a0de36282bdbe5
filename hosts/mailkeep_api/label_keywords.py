"""The keyword under which IMAP clients see a label: the one that Thunderbird would choose for the name.

Thunderbird knows a tag by its keyword. Its five tags of the first day have keywords of their own; for others
it takes the name, with what no keyword holds replaced, in modified UTF-7 and lower case. A label made here
and a tag of the same name made there are thus the same. Keywords that mean something of their own to mail
programs are never a label's.
"""

from __future__ import annotations

import re

from mailkeep.imap.names import encode_modified_utf7

KEYWORD_CUT = 100  # octets of the name in a keyword; what makes it unique comes behind

_OF_THE_FIRST_DAY = {
    "important": "$label1",
    "work": "$label2",
    "personal": "$label3",
    "to do": "$label4",
    "later": "$label5",
}
_NOT_IN_A_KEYWORD = re.compile(r"""[\x00-\x20\x7f(){/%*<>"\\\]]""")
_RESERVED = frozenset(("junk", "nonjunk", "notjunk"))  # and all of the IANA registry, which begin with "$"


def keyword_for(name: str) -> str:
    """An atom (RFC 9051 section 9) for a label of this name; not unique by itself."""
    folded = name.strip().casefold()
    if folded in _OF_THE_FIRST_DAY:
        return _OF_THE_FIRST_DAY[folded]
    text = _NOT_IN_A_KEYWORD.sub("_", name).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    keyword = encode_modified_utf7(text).decode("ascii").lower()[:KEYWORD_CUT]
    if not keyword:
        return "label"
    if keyword in _RESERVED or keyword.startswith("$"):
        return f"_{keyword}"
    return keyword
