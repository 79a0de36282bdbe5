"""From octets to text, whatever the sender said they were.

A name is looked up only among the encodings that Python has for text: asking its registry for names out of
messages would remember each of them for ever, and reach codecs that are no charsets. What cannot be decoded
is replaced, never refused. `storable` gives the form that a database takes.
"""

from __future__ import annotations

import re
from encodings.aliases import aliases
from functools import lru_cache

from mailkeep.mime.octets import Octets

# Not character sets, although Python's registry has them.
_NOT_CHARSETS = frozenset(
    (
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "quopri_codec",
        "rot_13",
        "uu_codec",
        "zlib_codec",
        "mbcs",
        "oem",
    )
)
# What these names mean in mail is the larger set that contains them.
_WIDER = {
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis_620": "cp874",
}
_EXTRA = {
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "ks_c_5601_1987": "cp949",
    "x_sjis": "cp932",
    "x_euc_jp": "euc_jp",
    "x_gbk": "gb18030",
    "utf_8": "utf_8",
    "utf8mb4": "utf_8",
    "cp_850": "cp850",
    "windows_874": "cp874",
    "koi8_r": "koi8_r",
    "koi8_u": "koi8_u",
    "cp1252": "cp1252",
    "cp874": "cp874",
}
_ENCODINGS = {
    **{alias: target for alias, target in aliases.items() if target not in _NOT_CHARSETS},
    **{target: target for target in aliases.values() if target not in _NOT_CHARSETS},
    **_EXTRA,
}
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ASCII = ("ascii", "")


@lru_cache(maxsize=256)
def encoding_of(charset: str) -> str:
    """Python's name for a charset, "" if there is none that decodes text."""
    name = _PUNCTUATION.sub("_", charset[:40].lower()).strip("_")
    encoding = _ENCODINGS.get(name, "")
    return _WIDER.get(encoding, encoding)


def decode(octets: Octets, charset: str) -> str:
    """Text of the octets. US-ASCII, unknown and missing charsets are taken as UTF-8, else as Windows-1252."""
    encoding = encoding_of(charset)
    raw = octets if isinstance(octets, bytes) else bytes(octets)
    if encoding in _ASCII:
        return _guess(raw)
    try:
        return raw.decode(encoding)
    except ValueError:
        return raw.decode(encoding, "replace") if encoding != "cp1252" else _guess(raw)


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except ValueError:
        return raw.decode("cp1252", "replace")


def storable(text: str, limit: int) -> str:
    """At most `limit` characters, without NUL and lone surrogates (PostgreSQL takes neither)."""
    if len(text) > limit:
        text = text[:limit]
    if ("\0" in text or not text.isascii()) and _UNSTORABLE.search(text):
        text = _UNSTORABLE.sub("\ufffd", text)
    return text
