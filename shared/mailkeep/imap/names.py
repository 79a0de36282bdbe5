"""Mailbox names between the wire and Unicode.

An IMAP4rev1 client sends and gets modified UTF-7 (RFC 3501 section 5.1.3); after ENABLE IMAP4rev2 or
ENABLE UTF8=ACCEPT it is UTF-8 (RFC 9051 section 5.1, RFC 6855 section 3). Both forms of one name decode to
the same string in Normalization Form C, so that they name the same mailbox. Modified UTF-7 is taken in
its one canonical spelling only: printable US-ASCII in base64, null shifts and stray bits are refused,
because two spellings would be two doors to one mailbox. Hierarchy and length are the store's business.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from enum import Enum
from unicodedata import normalize

from mailkeep.imap.errors import MailboxNameInvalid
from mailkeep.model.mailbox import INBOX


class NameForm(Enum):
    """How mailbox names travel in this session."""

    MODIFIED_UTF7 = "modified UTF-7"
    UTF8 = "UTF-8"


LEGACY = NameForm.MODIFIED_UTF7
"""What an IMAP4rev1 client that has enabled nothing gets."""

_SHIFTED = re.compile(rb"&([^-]*)-?")
_UNSHIFTED = re.compile("&|[^\x20-\x7e]+")
# RFC 5198 section 2 forbids controls; U+2028 and U+2029 are line ends by another name (RFC 9051 section 5.1).
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def decode_name(octets: bytes, form: NameForm) -> str:
    """Unicode from a mailbox name or pattern. INBOX comes out in upper case. Raises MailboxNameInvalid."""
    return decode_written(octets, form)[0]


def decode_written(octets: bytes, form: NameForm) -> tuple[str, str | None]:
    """The same, and the name as it was written if that was not in NFC: an IMAP4rev2 client is told which
    name it got instead (RFC 9051 section 6.3.9.7)."""
    if octets.isascii() and (form is NameForm.UTF8 or b"&" not in octets):
        written = name = octets.decode("ascii")
    else:
        written = _from_utf8(octets) if form is NameForm.UTF8 else decode_modified_utf7(octets)
        name = normalize("NFC", written)
    if _FORBIDDEN.search(name):
        raise MailboxNameInvalid("A mailbox name cannot hold control characters.")
    if octets.upper() == b"INBOX":
        return INBOX, None
    return name, None if written == name else written


def encode_name(name: str, form: NameForm) -> bytes:
    """The octets of a name, not yet quoted."""
    if form is NameForm.UTF8:
        return name.encode("utf-8")
    return encode_modified_utf7(name)


def decode_modified_utf7(octets: bytes) -> str:
    """Unicode from modified UTF-7. Raises MailboxNameInvalid for anything but the canonical spelling."""
    try:
        name = _SHIFTED.sub(_unshift, octets).decode("utf-8")
    except (Base64Error, UnicodeError):
        raise MailboxNameInvalid("The mailbox name is not in modified UTF-7.") from None
    if encode_modified_utf7(name) != octets:
        raise MailboxNameInvalid("The mailbox name is not in modified UTF-7.")
    return name


def encode_modified_utf7(name: str) -> bytes:
    """Modified UTF-7 of a name without lone surrogates."""
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode("ascii")
    return _UNSHIFTED.sub(_shift, name).encode("ascii")


def _unshift(found: re.Match[bytes]) -> bytes:
    base64 = found.group(1)
    if not base64:
        return b"&"
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    return a2b_base64(padded, strict_mode=True).decode("utf-16-be").encode("utf-8")


def _shift(found: re.Match[str]) -> str:
    text = found.group()
    if text == "&":
        return "&-"
    base64 = b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{base64.decode('ascii')}-"


def _from_utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise MailboxNameInvalid("The mailbox name is not in UTF-8.") from None
