"""What lists and threads show of a message: decoded, bounded, and storable in any database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby, islice

from mailkeep.mime import addresses, charset, dates, encoded_words, text, transfer
from mailkeep.mime.attachments import disposition, is_attachment, top_leaves
from mailkeep.mime.octets import Octets, piece
from mailkeep.mime.scan import Entity
from mailkeep.mime.subject import base_subject
from mailkeep.model.message import PREVIEW_LIMIT, MessageSummary

SUBJECT_LIMIT = 998  # characters; RFC 5322 section 2.1.1: a line's
NAME_LIMIT = 255  # characters of a display name
ADDRESS_TEXT_LIMIT = 320  # characters of local@domain: 64 + 1 + 255, RFC 5321 section 4.5.3.1
MESSAGE_ID_LIMIT = 255  # characters; longer ones are cut
REFERENCES_LIMIT = 100  # ids: the first, which began the thread, and the latest
REMEMBERED_LENGTH = 256  # octets of a From that is remembered
PREVIEW_SOURCE = 64 * 1024  # octets of a text part that a preview is made from
PREVIEW_PARTS = 3  # text parts that are looked at, if those before show nothing

_READABLE = (b"text/plain", b"text/html")
_MESSAGE_ID = re.compile(rb"<([^<>]{1,998})>")
_NOT_SHOWN = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+"
)
_JOINERS = "\u034f\u200c\u200d"


def summarise(octets: Octets, entities: Sequence[Entity]) -> MessageSummary:
    """The summary of a scanned message."""
    fields = entities[0].fields
    leaves = [entities[at] for at in top_leaves(entities)]
    subject = _text(fields.get(b"subject"), SUBJECT_LIMIT)
    address, name = _author(fields.get(b"from", b""))
    date = fields.get(b"date")
    return MessageSummary(
        subject=subject,
        base_subject=base_subject(subject)[0],
        from_address=address,
        from_name=name,
        message_id=_first_id(fields.get(b"message-id", b"")),
        references=_references(fields),
        sent_at=dates.parse(date) if date else None,
        attachment_count=sum(map(is_attachment, leaves)),
        preview=_preview(octets, leaves),
    )


def _text(value: bytes | None, limit: int) -> str:
    if not value:
        return ""
    return charset.storable(" ".join(encoded_words.decode(value).split()), limit)


def _author(value: bytes) -> tuple[str, str]:
    """(address, name) of the first mailbox in From."""
    return _remembered(value) if len(value) <= REMEMBERED_LENGTH else _read_author(value)


def _read_author(value: bytes) -> tuple[str, str]:
    for mailbox in addresses.parse(value):
        if mailbox.host is None or mailbox.mailbox is None:
            continue
        shown = charset.storable(charset.decode(mailbox.address, ""), ADDRESS_TEXT_LIMIT)
        return shown, _text(mailbox.name, NAME_LIMIT)
    return "", ""


# The next message is often from the same author.
_remembered = lru_cache(maxsize=512)(_read_author)


def _first_id(value: bytes) -> str:
    """The id without its brackets; where brackets are missing, the first word."""
    found = _MESSAGE_ID.search(value)
    raw = found.group(1) if found else b"".join(value.split()[:1])
    return _id(raw)


def _id(raw: bytes) -> str:
    words = raw.split()
    joined = words[0] if len(words) == 1 else b"".join(words)
    return charset.storable(charset.decode(joined, ""), MESSAGE_ID_LIMIT)


def _references(fields: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """RFC 5256 section 3: References, else the first id in In-Reply-To. Words that are no ids are skipped. An
    id may come again: what it stands beside counts, and the last is what is answered."""
    found: Sequence[bytes] = ()
    if b"references" in fields:
        found = _MESSAGE_ID.findall(fields[b"references"])
    if not found and b"in-reply-to" in fields:
        found = _MESSAGE_ID.findall(fields[b"in-reply-to"])[:1]
    if not found:
        return ()
    ids = tuple(id for id, _ in groupby(filter(None, map(_id, found))))
    return ids if len(ids) <= REFERENCES_LIMIT else (ids[0], *ids[1 - REFERENCES_LIMIT :])


def _preview(octets: Octets, leaves: Sequence[Entity]) -> str:
    """RFC 8970 section 3.1: the beginning of the first text that a reader would see."""
    for entity in islice(filter(_is_readable, leaves), PREVIEW_PARTS):
        shown = _preview_of(octets, entity, is_html=entity.media.lower == b"text/html")
        if shown:
            return shown
    return ""


def _is_readable(entity: Entity) -> bool:
    if entity.media.lower not in _READABLE:
        return False
    return b"content-disposition" not in entity.fields or disposition(entity).token.lower() != b"attachment"


def _preview_of(octets: Octets, entity: Entity, *, is_html: bool) -> str:
    # Plain text needs no more than its beginning; HTML may open with pages of styles.
    source = PREVIEW_SOURCE if is_html else PREVIEW_LIMIT * 16
    end = min(entity.body_end, entity.body_start + source)
    encoding = transfer.normal_name(entity.fields.get(b"content-transfer-encoding"))
    raw = transfer.decode(piece(octets, entity.body_start, end), encoding)
    decoded = charset.decode(raw, entity.media.charset.decode("latin-1"))
    if is_html:
        decoded = text.html_to_text(decoded, enough=PREVIEW_LIMIT * 4)
    return _shown(decoded)


def _shown(decoded: str) -> str:
    """The first PREVIEW_LIMIT characters that can be seen, with one space where white space is.

    Ordinary text fills them from little more than itself; what is mostly white space is looked at further.
    """
    shown = " ".join(decoded[: PREVIEW_LIMIT * 5 // 4].split())[:PREVIEW_LIMIT]
    if len(shown) < PREVIEW_LIMIT:
        shown = " ".join(decoded[: PREVIEW_LIMIT * 4].split())[:PREVIEW_LIMIT]
    if len(shown) < PREVIEW_LIMIT or not shown.isprintable() or "\u034f" in shown:
        words = _NOT_SHOWN.sub("", decoded[: PREVIEW_LIMIT * 16]).split()
        # Newsletters hide what follows behind hundreds of joiners, which else join letters and emoji.
        shown = " ".join(word for word in words if word.strip(_JOINERS))
    return charset.storable(shown, PREVIEW_LIMIT).rstrip()
