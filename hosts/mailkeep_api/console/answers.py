"""What stands in the form of an answer, or of a message that is passed on, before its writer changes it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.mime import addresses, charset, encoded_words, headers
from mailkeep.mime.answering import quoted
from mailkeep.storage.interface import Column, EmailRow
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.opened import open_email
from mailkeep_api.schemas.emails import EmailDetail
from mailkeep_api.schemas.sending import RECIPIENTS_LIMIT, SUBJECT_LIMIT

QUOTED_LIMIT = 50_000  # characters of the other's text


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the form; addresses with commas between."""

    to: str = ""
    subject: str = ""
    text: str = ""
    reply_to_email_id: UUID | None = None
    forward_email_id: UUID | None = None


async def drafted(services: Services, caller: UserCaller, email_id: UUID, *, is_forward: bool) -> Draft:
    """For a message of the caller's. Raises NotFound."""
    row = await services.store.emails.get(caller.account_id, email_id)
    email = await open_email(services.store, row, {})
    text = (email.text_body or "")[:QUOTED_LIMIT]
    if is_forward:
        intro = f"Forwarded message from {_author(email)}, {email.received_at:%Y-%m-%d %H:%M} UTC:"
        return Draft("", prefixed("Fwd:", email.subject), f"\n\n{intro}\n\n{text}", None, email_id)
    intro = f"On {email.received_at:%Y-%m-%d %H:%M} UTC, {_author(email)} wrote:"
    to = await _answered_at(services, row) or email.from_address
    return Draft(to, prefixed("Re:", email.subject), f"\n\n{intro}\n{quoted(text)}", email_id, None)


def prefixed(prefix: str, subject: str) -> str:
    """The subject with the prefix once, on one line, however the other wrote it."""
    line = " ".join(subject.split())
    line = line if line.lower().startswith(prefix.lower()) else f"{prefix} {line}"
    return "".join(char for char in line if char.isprintable())[:SUBJECT_LIMIT]


def _author(email: EmailDetail) -> str:
    return email.from_display_name or email.from_address


async def _answered_at(services: Services, row: EmailRow) -> str:
    """Where the author wants answers (RFC 5322 section 3.6.2), "" if they do not say."""
    fields = headers.index(await _header(services, row), joined=(b"reply-to",))
    found = addresses.parse(fields.get(b"reply-to", b""))[:RECIPIENTS_LIMIT]
    return ", ".join(_written(one) for one in found if one.address)


def _written(one: addresses.Mailbox) -> str:
    address = charset.decode(one.address, "")
    name = encoded_words.decode(one.name) if one.name else ""
    name = "".join(char for char in name if char.isprintable() and char not in '"\\')
    return f'"{name}" <{address}>' if name else address


async def _header(services: Services, row: EmailRow) -> bytes:
    async for batch in services.store.messages.rows([row.message_id], [Column.HEADER]):
        for _, header in batch:
            found: bytes = header
            return found
    raise NotFound("There is no such message.")
