"""The digest as a message: how many are unread, and of the newest who wrote what.

A program wrote it (RFC 3834 section 5), with the null reverse-path, so that nothing answers it. What others
wrote stands in it as text: escaped in the HTML, without a link or an image of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from mailkeep.mime.compose import Draft, Named, compose
from mailkeep.model.address import Address
from mailkeep.storage.interface import EmailRow

ABOVE = b"Return-Path: <>\r\nAuto-Submitted: auto-generated\r\n"
SUBJECT_CUT, FROM_CUT, PREVIEW_CUT = 200, 100, 200  # characters
_NO_SUBJECT = "(no subject)"


@dataclass(frozen=True, slots=True)
class Digest:
    """What one tells of. `rows` are the newest of `count` messages that came since `since`."""

    to: Address
    since: datetime
    at: datetime
    zone: tzinfo
    count: int
    rows: Sequence[EmailRow]
    link: str
    """Of the list of mail; empty if nobody said where browsers find it."""


def author_of(to: Address) -> Address:
    """Who a user's digests are from."""
    return Address.parse(f"postmaster@{to.domain}")


def octets_of(digest: Digest, message_id: str) -> bytes:
    """The whole message."""
    draft = Draft(
        author=Named(author_of(digest.to), "Mailkeep"),
        message_id=message_id,
        date=digest.at,
        to=(Named(digest.to),),
        subject=f"{_unread(digest.count)} since {_moment(digest, digest.since)}",
        text=_text(digest),
        html=_html(digest),
    )
    return ABOVE + compose(draft)


def _text(digest: Digest) -> str:
    lines = [f"{_unread(digest.count)} came since {_moment(digest, digest.since)}.", ""]
    for row in digest.rows:
        lines += [f"{_sender(row)}, {_moment(digest, row.received_at)}", f"  {_subject(row)}"]
        lines += [f"  {preview}"] if (preview := _cut(row.preview, PREVIEW_CUT)) else []
        lines += [""]
    lines += [_others(digest), ""] if digest.count > len(digest.rows) else []
    lines += [f"Read them: {digest.link}", ""] if digest.link else []
    return "\n".join([*lines, _WHY, ""])


def _html(digest: Digest) -> str:
    head = f"<p>{_unread(digest.count)} came since {_moment(digest, digest.since)}.</p>"
    items = "".join(_item(digest, row) for row in digest.rows)
    others = f"<p>{_others(digest)}</p>" if digest.count > len(digest.rows) else ""
    link = f'<p><a href="{escape(digest.link)}">Read them</a></p>' if digest.link else ""
    why = f"<p><small>{_WHY}</small></p>"
    return f"<!doctype html><html lang=en><body>{head}<ul>{items}</ul>{others}{link}{why}</body></html>\n"


def _item(digest: Digest, row: EmailRow) -> str:
    head = f"<b>{escape(_sender(row))}</b>, {_moment(digest, row.received_at)}<br>{escape(_subject(row))}"
    preview = escape(_cut(row.preview, PREVIEW_CUT))
    return f"<li>{head}<br><small>{preview}</small></li>\n" if preview else f"<li>{head}</li>\n"


_WHY = "You get this because your settings ask for a digest of unread mail."


def _unread(count: int) -> str:
    return "1 unread message" if count == 1 else f"{count} unread messages"


def _others(digest: Digest) -> str:
    return f"And {digest.count - len(digest.rows)} more."


def _moment(digest: Digest, at: datetime) -> str:
    return f"{at.astimezone(digest.zone):%Y-%m-%d %H:%M}"


def _sender(row: EmailRow) -> str:
    return _cut(row.from_name or row.from_address, FROM_CUT)


def _subject(row: EmailRow) -> str:
    return _cut(row.subject, SUBJECT_CUT) or _NO_SUBJECT


def _cut(text: str, length: int) -> str:
    """On one line, and not for ever. A lone half of a character, which no message can hold, is left out."""
    words = " ".join(text.encode(errors="ignore").decode().split())
    return words if len(words) <= length else f"{words[: length - 1]}…"
