"""IMAP URLs of messages and their parts (RFC 5092, URL-PARTIAL of RFC 5550), for CATENATE and URLAUTH.

A mailbox name within a URL is UTF-8 in percent encoding, whatever the session's name form is. Anything that
is no URL of a message is refused: there is no use here for those of mailboxes and searches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from mailkeep.imap.commands.fetch import Partial, Section
from mailkeep.imap.commands.fetch_parser import parse_section
from mailkeep.imap.errors import ImapSyntaxError, MailboxNameInvalid
from mailkeep.imap.lexer import NUMBER_MAX, Cursor
from mailkeep.imap.limits import NUMBER64_MAX
from mailkeep.imap.names import NameForm, decode_name

URL_LIMIT = 4096  # octets; a section of a hundred numbers in a long mailbox name stays far below

_URL = re.compile(
    r"(?:imap://(?:(?P<user>[^;@/?]+)(?:;AUTH=[^@/?]+)?@)?(?P<server>[^;@/?]+))?"
    r"(?P<path>[^;?#]*?)(?:;UIDVALIDITY=(?P<uidvalidity>[0-9]{1,10}))?"
    r"/?;UID=(?P<uid>[0-9]{1,10})(?:/;SECTION=(?P<section>[^;?#]+?))?"
    r"(?:/;PARTIAL=(?P<first>[0-9]{1,19})(?:\.(?P<length>[0-9]{1,19}))?)?(?P<rest>;.*)?",
    re.IGNORECASE | re.ASCII,
)
_NOT_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(r"[\x21-\x7e]*")


_WHOLE = Section()


class UrlInvalid(ImapSyntaxError):
    """The text is no URL of a message."""


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """`mailbox` None is the selected one; `server` None makes the URL a relative one. `rest` is what stands
    behind the part: URLAUTH's business."""

    mailbox: str | None
    uid: int
    uidvalidity: int | None = None
    section: Section = _WHOLE
    partial: Partial | None = None
    user: str | None = None
    server: str | None = None
    rest: str = field(default="", repr=False)  # a token may be in it

    @property
    def is_relative(self) -> bool:
        """True if it names neither server nor user."""
        return self.server is None


def parse_url(text: str) -> MessageUrl:
    """The message that a URL names. Raises UrlInvalid."""
    found = _URL.fullmatch(text)
    if found is None or len(text) > URL_LIMIT or not _PRINTABLE.fullmatch(text):
        raise UrlInvalid("That is no URL of a message.")
    uid, uidvalidity = int(found["uid"]), int(found["uidvalidity"] or 0)
    if not 1 <= uid <= NUMBER_MAX or not 0 <= uidvalidity <= NUMBER_MAX:
        raise UrlInvalid("A URL has no such UID.")
    return MessageUrl(
        _mailbox(found["path"], is_relative=found["server"] is None),
        uid,
        uidvalidity or None,
        _section(found["section"]),
        _partial(found["first"], found["length"]),
        None if found["user"] is None else _decoded(found["user"]).decode("utf-8", "replace"),
        found["server"],
        found["rest"] or "",
    )


def quotable(text: str) -> str:
    """A URL as it may stand in a response code (RFC 4469 section 5): what may not is percent-encoded."""
    return quote(text[:URL_LIMIT], safe="!#$%&'()*+,-./:;<=>?@[^_`{|}~", errors="replace")


def _mailbox(path: str, *, is_relative: bool) -> str | None:
    if not path and is_relative:
        return None
    if not path.startswith("/") or path == "/":
        raise UrlInvalid("The path of a URL begins at the root.")
    try:
        return decode_name(_decoded(path[1:].removesuffix("/")), NameForm.UTF8)
    except MailboxNameInvalid as error:
        raise UrlInvalid(error.text) from None


def _section(encoded: str | None) -> Section:
    if encoded is None:
        return _WHOLE
    cursor = Cursor(b"[%b]" % _decoded(encoded))
    try:
        section = parse_section(cursor)
        cursor.end()
    except ImapSyntaxError:
        raise UrlInvalid("A URL has no such section.") from None
    return section


def _partial(first: str | None, length: str | None) -> Partial | None:
    if first is None:
        return None
    origin = int(first)
    count = NUMBER64_MAX if length is None else int(length)  # without one, to the end
    if origin > NUMBER64_MAX or not 0 < count <= NUMBER64_MAX:
        raise UrlInvalid("A URL has no such partial range.")
    return Partial(origin, count)


def _decoded(text: str) -> bytes:
    if _NOT_PERCENT.search(text):
        raise UrlInvalid("A percent sign begins two hexadecimal digits.")
    return unquote_to_bytes(text)
