"""What keeps secrets out of logs: one pure function over text, one over whole events.

Nothing is logged on the promise that somebody remembered to leave a secret out. Every event, of ours
and of any library, passes through `redact_event` on its way to the output, after tracebacks have become
text. It prefers to hide too much: a log line with a hole in it is still of use. It keeps no secret's
length and no part of one, except an API key's prefix, which is stored in clear and names the key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote_to_bytes

MARK = "[redacted]"
CUT = " [cut]"
TEXT_LIMIT = 16 * 1024  # characters of one value: a line of log, not a message; bounds what a line costs

DEPTH_LIMIT = 8  # levels of containers inside one event; what lies deeper is hidden
_SECRET_WORDS = "|".join(
    (
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "api[_-]?key",
        "credential",
        "authorization",
        "cookie",
    )
)

# mailkeep's own keys: mk_ and 9 characters, the secret, the checksum; also when cut short.
_API_KEY = re.compile(r"(mk_[A-Za-z0-9]{9})_[A-Za-z0-9_-]*")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*")
_SCHEME = re.compile(r"\b(Bearer|ApiKey|Basic|Digest|Negotiate)(\s+|\\t|%20|\+)[^\s\"',;]+", re.IGNORECASE)
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\\?[\"']?\s*[:=,]\s*)[^\r\n]+", re.IGNORECASE
)
# Greedy up to the last @ of the word: a password may hold any of / : @ when nobody quoted it.
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*):\S{0,2048}@")
_ASSIGNMENT = re.compile(
    rf"((?:{_SECRET_WORDS})[\w-]{{0,40}}\\?[\"']?\s*[=:]\s*)(?!\[redacted\])"
    r"(b?\"(?:[^\"\\]|\\.)*\"|b?'(?:[^'\\]|\\.)*'|[^\s,;&)}\]]+)",
    re.IGNORECASE,
)
# AUTH (RFC 4954, RFC 5034) and AUTHENTICATE (RFC 9051 section 6.2.2) with an initial response.
_SASL_COMMAND = re.compile(
    r"\b(AUTH(?:ENTICATE)?\s+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|SCRAM-[\w-]+))\s+[^\s\"']+",
    re.IGNORECASE,
)
_PASS_COMMAND = re.compile(r"\b(PASS )[^\r\n]+")  # RFC 1939: the rest of the line is the password
_LOGIN_COMMAND = re.compile(r"\b(LOGIN (?:\"[^\"]*\"|\S+) )[^\r\n]+")
# RFC 4616's message as it is, or as repr and JSON show it: two NULs with no space between or after.
_PLAIN = re.compile(r"(?:\0|\\+x00|\\+u0000|%00)[^\s\0\\%]{1,320}(?:\0|\\+x00|\\+u0000|%00)[^\s\"']+")
# Base64 in both alphabets, and with "=", "+" and "/" as a URL has them.
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]|%2[BbFf]){12,}(?:=|%3[Dd]){0,2}")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){12,}(?![0-9A-Fa-f])")
_PERCENT = re.compile(r"(?<!\S)\S{12,}")  # words; those with escapes in them are looked into
NESTING_LIMIT = 3  # encodings within encodings that are looked into

# Every rule above needs one of these words, in any case, or a run of base64.
_TRIGGERS = (
    *("mk_", "eyj", "://", "auth", "pass", "secret", "token", "api", "credential", "cookie", "login "),
    *("bearer", "basic", "digest", "negotiate"),
)

_SECRET_NAME = re.compile(_SECRET_WORDS + r"|\bauth\b", re.IGNORECASE)
# Names that hold such a word and yet no secret.
_HARMLESS_NAMES = frozenset({"key_prefix", "token_count", "secret_count"})


_HARMLESS_TYPES = (int, float)  # bool is an int
_OCTETS = (bytes, bytearray, memoryview)

_REMEMBERED = 2000
_REMEMBERED_LENGTH = 40
# What we name messages and sessions by, new with each of them. As base64 it would be twelve octets or nine,
# and none of these digits can stand where a NUL or a key's "mk_" would: there is nothing to look for.
_is_own_id = re.compile(r"[0-9a-f]{12}(?:[0-9a-f]{4})?\Z").match
_OWN_FIELDS = frozenset({"timestamp", "level"})  # which our processors write, whatever was there
_harmless: set[str] = set()
"""Short texts in which there was nothing to hide: levels, addresses, sentences come again with each line."""


def redact_text(text: str) -> str:
    """The text with every known kind of secret replaced by a mark, cut at TEXT_LIMIT. Never raises."""
    if text in _harmless or _is_own_id(text):
        return text
    redacted = _redacted(text)
    if redacted == text and len(text) <= _REMEMBERED_LENGTH:
        if len(_harmless) >= _REMEMBERED:
            _harmless.clear()
        _harmless.add(text)
    return redacted


def _redacted(text: str) -> str:
    if len(text) > TEXT_LIMIT:
        head = text[:TEXT_LIMIT]
        text = head[: max(head.rfind(" "), head.rfind("\n"), 0)] + CUT  # half a word may be half a secret
    return _redact(text, NESTING_LIMIT)


def _redact(text: str, nesting: int) -> str:
    lowered = text.lower()
    if any(trigger in lowered for trigger in _TRIGGERS):
        text = _redact_marked(text)
    text = _PLAIN.sub(MARK, text)
    if nesting:
        if "%" in text:
            text = _PERCENT.sub(partial(_redact_encoded, _from_percent, nesting), text)
        text = _HEX.sub(partial(_redact_encoded, _from_hex, nesting), text)
        text = _BASE64.sub(partial(_redact_encoded, _from_base64, nesting), text)
    return text


def _redact_marked(text: str) -> str:
    text = _ASSIGNMENT.sub(rf"\1{MARK}", text)
    text = _HEADER.sub(rf"\1\2{MARK}", text)
    text = _API_KEY.sub(rf"\1_{MARK}", text)
    text = _JWT.sub(MARK, text)
    text = _SCHEME.sub(rf"\1 {MARK}", text)
    text = _URL_PASSWORD.sub(rf"\1:{MARK}@", text)
    text = _SASL_COMMAND.sub(rf"\1 {MARK}", text)
    text = _PASS_COMMAND.sub(rf"\1{MARK}", text)
    return _LOGIN_COMMAND.sub(rf"\1{MARK}", text)


def redact_value(value: object, depth: int = 0) -> object:
    """A value with the secrets inside it hidden. Containers are copied; other objects become their text."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, _HARMLESS_TYPES):
        return value
    if isinstance(value, _OCTETS):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if depth >= DEPTH_LIMIT:
        return MARK
    if isinstance(value, Mapping):
        return {str(name): _named(str(name), inner, depth) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, depth + 1) for inner in value]
    return redact_text(_text_of(value))


def redact_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor: every name and value of the event, the message and exception text included."""
    for name, value in event.items():
        if name not in _OWN_FIELDS:
            event[name] = _named(name, value, 0)
    return event


def _named(name: str, value: object, depth: int) -> object:
    if _says_secret(name) and value is not None:
        return MARK
    return redact_text(value) if isinstance(value, str) else redact_value(value, depth + 1)


@lru_cache(maxsize=1024)  # names are words of the code; what a peer chose does not grow it
def _says_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and name not in _HARMLESS_NAMES


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # a broken __str__ must not lose the event
        return f"<{type(value).__name__} without text: {type(error).__name__}>"


def _redact_encoded(decode: Callable[[str], bytes], nesting: int, found: re.Match[str]) -> str:
    """Hide what decodes to something that would be hidden: SASL responses travel without a command, and
    what shows octets may show them in any of these forms."""
    written = found.group()
    try:
        octets = decode(written)
    except ValueError:  # binascii.Error is one
        return written
    # A SASL response (RFC 4616, RFC 7628 section 3.1, XOAUTH2), even if its secret has no form of its own.
    if octets.count(b"\0") == 2 and octets.isascii() and b"" not in octets.split(b"\0")[1:]:
        return MARK
    if b"\x01auth=" in octets or b"\x01a=" in octets:
        return MARK
    if not octets.isascii():
        return MARK if _API_KEY.search(octets.decode("latin-1")) else written
    text = octets.decode("ascii")
    return MARK if _redact(text, nesting - 1) != text else written


def _from_base64(written: str) -> bytes:
    plain = unquote_to_bytes(written).translate(_STANDARD_ALPHABET)
    return base64.b64decode(plain.rstrip(b"=") + b"=" * (-len(plain.rstrip(b"=")) % 4))


def _from_hex(written: str) -> bytes:
    return bytes.fromhex(written)


def _from_percent(written: str) -> bytes:
    return unquote_to_bytes(written) if "%" in written else b""


_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
