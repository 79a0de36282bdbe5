"""A letter from an account elsewhere: written, answered or forwarded, and put into the queue.

Its Message-ID is made of the queue's id, so that every attempt to send it bears the same one, and so does the
copy in Sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.submit import Submitted, Submitter, new_id
from mailkeep.errors import InvalidName, TooLarge
from mailkeep.mime import headers, parts, transfer
from mailkeep.mime.answering import Original, answered, forwarded_text, read, subject_of
from mailkeep.mime.attachments import attachments
from mailkeep.mime.compose import NO_NAME, Draft, File, Named, compose, thread
from mailkeep.mime.scan import scan
from mailkeep.mime.summary import summarise
from mailkeep.mime.text import html_and_plain, html_to_text
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.principal import Principal
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import AccountConfig

RECIPIENTS_LIMIT = 200
FILES_LIMIT = 100
TEXT_LIMIT = 1024 * 1024  # characters of a forwarded message that are quoted

ForwardAs = Literal["inline", "message"]


@dataclass(frozen=True, slots=True)
class Letter:
    """What its author gives. `answers` and `forwards` are whole messages; the addressees of an answer are
    found in it, and so is a subject that is not given."""

    to: tuple[Named, ...] = ()
    cc: tuple[Named, ...] = ()
    bcc: tuple[Named, ...] = ()
    subject: str = ""
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    files: tuple[File, ...] = ()
    answers: bytes | None = field(default=None, repr=False)
    answers_everybody: bool = False
    forwards: bytes | None = field(default=None, repr=False)
    forwards_as: ForwardAs = "inline"


@dataclass(frozen=True, slots=True)
class SentLetter:
    """What became of it."""

    message_id: str
    submitted: Submitted


async def send(
    store: Store,
    settings: Settings,
    user: User,
    account: tuple[UpstreamRecord, AccountConfig],
    letter: Letter,
) -> SentLetter:
    """Into the queue, for the account to send.

    Raises InvalidName, TooLarge, RelayDenied, StoreUnavailable."""
    record, config = account
    author = Named(Address.parse(config.sends_from), user.name)
    id = new_id()
    draft = await asyncio.to_thread(draft_of, letter, author, f"{id}@{author.address.domain}")
    recipients = list({one.address.key: one.address for one in (*draft.to, *draft.cc, *letter.bcc)}.values())
    if not 0 < len(recipients) <= RECIPIENTS_LIMIT:
        raise InvalidName(f"A message has at least one recipient, and at most {RECIPIENTS_LIMIT}.")
    octets = await asyncio.to_thread(compose, draft)
    if len(octets) > settings.smtp.max_message_size:
        raise TooLarge(f"A message has at most {settings.smtp.max_message_size} octets.")
    submitted = await Submitter(store, settings.relay).submit(
        Principal(user.id, user.account_id, user.primary_address, frozenset()),
        await prepare_content(octets),
        author.address,
        recipients,
        saves_sent=config.sent_copy == "here",
        id=id,
        route=str(record.id),
    )
    return SentLetter(draft.message_id, submitted)


def draft_of(letter: Letter, author: Named, message_id: str) -> Draft:
    """The message to be composed. Blocks. Raises InvalidName."""
    if len(letter.files) > FILES_LIMIT:
        raise InvalidName(f"A message has at most {FILES_LIMIT} files.")
    draft = Draft(
        author=author,
        message_id=message_id,
        date=datetime.now(UTC),
        to=letter.to,
        cc=letter.cc,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        files=letter.files,
    )
    if letter.answers is not None:
        draft = _answering(draft, letter.answers, everybody=letter.answers_everybody)
    if letter.forwards is not None:
        draft = _forwarding(draft, letter.forwards, letter.forwards_as)
    return draft


def _answering(draft: Draft, parent: bytes, *, everybody: bool) -> Draft:
    header, summary = _head(parent), summarise(parent, scan(parent))
    found = answered(header, frozenset({str(draft.author.address).lower()}), everybody=everybody)
    in_reply_to, references = thread(summary.message_id, summary.references)
    return replace(
        draft,
        to=draft.to or _named(found.to),
        cc=draft.cc or _named(found.cc),
        subject=draft.subject or subject_of("Re:", summary.subject),
        in_reply_to=in_reply_to,
        references=references,
    )


def _forwarding(draft: Draft, parent: bytes, how: ForwardAs) -> Draft:
    entities = scan(parent)
    summary = summarise(parent, entities)
    draft = replace(
        draft,
        subject=draft.subject or subject_of("Fwd:", summary.subject),
        references=draft.references or thread(summary.message_id, summary.references)[1],
    )
    if how == "message":
        return replace(draft, messages=(parent,))
    html, plain = html_and_plain(parent, parts.unpack(parts.pack(entities)))
    text = plain if plain and plain.strip() else html_to_text(html, TEXT_LIMIT) if html else ""
    fields = headers.index(_head(parent), joined=(b"to",))
    original = Original(
        sender=f"{summary.from_name} <{summary.from_address}>" if summary.from_name else summary.from_address,
        date=fields.get(b"date", b"").decode("latin-1").strip(),
        subject=summary.subject,
        to=read(fields.get(b"to", b"")),
        text=text[:TEXT_LIMIT],
    )
    files = tuple(
        File(
            one.file_name or NO_NAME,
            one.media_type,
            b"".join(transfer.decoded_chunks(parent, one.start, one.end, one.encoding)),
        )
        for one in attachments(entities)
    )
    return replace(draft, text=forwarded_text(draft.text or "", original), files=(*draft.files, *files))


def _head(octets: bytes) -> bytes:
    return octets.partition(b"\r\n\r\n")[0] + b"\r\n"


def _named(addresses: Sequence[str]) -> tuple[Named, ...]:
    return tuple(Named(Address.parse(one)) for one in addresses)
