"""A new message, out of what its author gave: text, HTML, files, and what it answers.

Here nothing is read back, so the standard library's writer is the right one: it folds, encodes and escapes as
the RFCs have it, and refuses a header field that holds a line end. A message that is forwarded whole is put
in as it is, octet for octet. Bcc is nobody's business but the envelope's: it has no place in this message.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage

from mailkeep.errors import InvalidName
from mailkeep.mime.attachments import safe_name
from mailkeep.model.address import Address

REFERENCES_LIMIT = 40  # the first, and the newest of the others: a field of 2 KiB

LINE_LIMIT = 998  # RFC 5322 section 2.1.1
NO_NAME = "file"
EMBEDDED = "message.eml"

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}\Z")  # RFC 6838 section 4.2
_COMPOSITE = ("multipart", "message")  # what looks like structure is sent as octets
_OCTETS = "application/octet-stream"
_MESSAGE_ID = re.compile(r"[\x21-\x3b=?-\x7e]{1,400}\Z")  # no "<" or ">": it is put between them


@dataclass(frozen=True, slots=True)
class Named:
    """An address with the name that is shown beside it."""

    address: Address
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """One attachment. A media type that is none, or one of structure, goes as octets."""

    name: str
    media_type: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author gives. `in_reply_to` and `references` are message ids without angle brackets; `messages`
    are forwarded whole."""

    author: Named
    message_id: str
    date: datetime
    to: tuple[Named, ...] = ()
    cc: tuple[Named, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    files: tuple[File, ...] = ()
    messages: tuple[bytes, ...] = field(default=(), repr=False)
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def compose(draft: Draft) -> bytes:
    """The message's octets, lines ended by CRLF. Raises InvalidName for a text that no field can hold."""
    named = (draft.author, *draft.to, *draft.cc)
    smtp = policy.SMTP if all(one.address.is_ascii for one in named) else policy.SMTPUTF8
    message = EmailMessage(policy=smtp)
    try:
        _write_head(message, draft)
        _write_body(message, draft)
        held = _write_messages(message, draft.messages)
        octets = message.as_bytes()
    except (ValueError, UnicodeError):  # a line end in a field, a lone surrogate
        raise InvalidName("The message holds something that no message can hold.") from None
    for place, one in held.items():
        before, after = re.split(rb"%b\r?\n" % place, octets)
        octets = before + one + after
    return octets


def thread(message_id: str, references: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """(In-Reply-To, References) of an answer to a message, RFC 5322 section 3.6.4."""
    parents = [id for id in (*references, message_id) if _MESSAGE_ID.match(id)]
    if len(parents) > REFERENCES_LIMIT:
        parents = [parents[0], *parents[1 - REFERENCES_LIMIT :]]
    return (message_id if _MESSAGE_ID.match(message_id) else ""), tuple(dict.fromkeys(parents))


def _write_head(message: EmailMessage, draft: Draft) -> None:
    message["Date"] = draft.date
    message["From"] = _header(draft.author)
    for name, named in (("To", draft.to), ("Cc", draft.cc)):
        if named:
            message[name] = [_header(one) for one in named]
    message["Subject"] = draft.subject
    message["Message-ID"] = f"<{draft.message_id}>"
    if draft.in_reply_to:
        message["In-Reply-To"] = f"<{draft.in_reply_to}>"
    if draft.references:
        message["References"] = " ".join(f"<{id}>" for id in draft.references)


def _write_body(message: EmailMessage, draft: Draft) -> None:
    if draft.text is not None or draft.html is None:
        message.set_content(draft.text or "")
        if draft.html is not None:
            message.add_alternative(draft.html, subtype="html")
    else:
        message.set_content(draft.html, subtype="html")
    for file in draft.files:
        main, _, sub = _media_type(file.media_type).partition("/")
        message.add_attachment(
            file.octets, maintype=main, subtype=sub, filename=safe_name(file.name) or NO_NAME
        )


def _write_messages(message: EmailMessage, messages: Sequence[bytes]) -> dict[bytes, bytes]:
    """RFC 2046 section 5.2.1: a message part has no encoding of its own, so what cannot travel in lines goes
    as a file. What stands in for the others, which no writer of ours may touch."""
    held: dict[bytes, bytes] = {}
    for one in messages:
        if not _is_in_lines(one):
            message.add_attachment(one, maintype="application", subtype="octet-stream", filename=EMBEDDED)
            continue
        place = secrets.token_hex(16)
        message.add_attachment(place, subtype="plain", cte="7bit", filename=EMBEDDED)
        part = list(message.iter_attachments())[-1]
        part.replace_header("Content-Type", "message/rfc822")
        if not one.isascii():
            part.replace_header("Content-Transfer-Encoding", "8bit")
            _mark_eight_bit(message)
        held[place.encode()] = one if one.endswith(b"\r\n") else one + b"\r\n"
    return held


def _mark_eight_bit(message: EmailMessage) -> None:
    del message["Content-Transfer-Encoding"]
    message["Content-Transfer-Encoding"] = "8bit"


def _is_in_lines(octets: bytes) -> bool:
    """RFC 2045 sections 2.7 and 2.8."""
    if b"\0" in octets or b"\n" in octets.replace(b"\r\n", b"") or b"\r" in octets.replace(b"\r\n", b""):
        return False
    return max(map(len, octets.split(b"\r\n"))) <= LINE_LIMIT


def _header(named: Named) -> HeaderAddress:
    return HeaderAddress(named.name, named.address.local, named.address.domain)


def _media_type(given: str) -> str:
    is_one = _MEDIA_TYPE.match(given) and given.partition("/")[0].lower() not in _COMPOSITE
    return given.lower() if is_one else _OCTETS
