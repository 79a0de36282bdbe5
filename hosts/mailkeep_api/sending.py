"""Sending as the caller: the message is made here, and goes the way of every submitted one.

What SMTP submission asks is asked of it too: the sender is the caller's own, each recipient may be sent to.
The keys of the author's domain sign it. A message that is answered or forwarded is marked so afterwards, as
mail programs do.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.submit import Submitted, Submitter, new_id
from mailkeep.errors import InvalidName, NotFound, TooLarge
from mailkeep.mailauth.canonical import BodyForm, HashedBody, hash_bodies
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mime import addresses, attachments, transfer
from mailkeep.mime.compose import Draft, File, Named, compose, thread
from mailkeep.mime.scan import scan
from mailkeep.model.address import Address
from mailkeep.model.flags import Flags
from mailkeep.model.message import MessageSummary
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings_submission import parse_send_as
from mailkeep.storage.interface import Column, EmailRow
from mailkeep_api import changes
from mailkeep_api.deps import Services, UserCaller
from mailkeep_api.opened import NO_NAME
from mailkeep_api.schemas.sending import RECIPIENTS_LIMIT, ForwardAs, NewMessage, Sent

if TYPE_CHECKING:
    from mailkeep.upstream.config import AccountConfig

AT_ONCE = 2  # messages that the process makes at a time: each costs several times its size in memory

_ANSWERED, _FORWARDED = Flags.parse(["\\Answered"]), Flags.parse(["$Forwarded"])
_places = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a message goes to."""

    to: tuple[Named, ...]
    cc: tuple[Named, ...]
    bcc: tuple[Named, ...]

    def everybody(self) -> list[Address]:
        """Each once."""
        named = (*self.to, *self.cc, *self.bcc)
        return list({one.address.key: one.address for one in named}.values())


async def send(services: Services, caller: UserCaller, new: NewMessage) -> Sent:
    """Send it. Raises InvalidName, NotFound for a message that is not the caller's, SenderRefused,
    RecipientRefused, RelayDenied, TooLarge, StoreUnavailable."""
    addressed = addressed_of(new)
    replied = await _row(services, caller, new.reply_to_email_id)
    forwarded = await _row(services, caller, new.forward_email_id)
    draft = Draft(
        author=await _author(services, caller, new.from_),
        message_id="",
        date=datetime.now(UTC),
        to=addressed.to,
        cc=addressed.cc,
        subject=new.subject,
        text=new.text_body,
        html=new.html_body,
        files=tuple(File(one.file_name, one.content_type, one.content) for one in new.attachments),
    )
    id = new_id()  # every attempt to send it bears the same Message-ID
    draft = replace(draft, message_id=f"{id}@{draft.author.address.domain}")
    async with _places:
        draft = await _related(services, draft, replied, forwarded, new.forward_as)
        submitted = await _submit(services, caller, draft, addressed.everybody(), id)
    await _mark(services, caller, replied, _ANSWERED)
    await _mark(services, caller, forwarded, _FORWARDED)
    return _told(submitted, draft)


async def _submit(
    services: Services, caller: UserCaller, draft: Draft, recipients: list[Address], id: str
) -> Submitted:
    octets = await asyncio.to_thread(compose, draft)
    if len(octets) > services.settings.smtp.max_message_size:
        raise TooLarge(f"A message has at most {services.settings.smtp.max_message_size} octets.")
    author = draft.author.address
    octets = await services.signer.sign(author.domain, _checked(octets)) + octets
    message = await prepare_content(octets)
    settings = services.settings
    submitter = Submitter(services.store, settings.relay, parse_send_as(settings.smtp.send_as))
    account = await _account(services, caller, author)
    if account is None:
        return await submitter.submit(caller.principal, message, author, recipients, id=id)
    record, config = account
    saves_sent = config.sent_copy == "here"
    return await submitter.submit(
        caller.principal, message, author, recipients, saves_sent=saves_sent, id=id, route=str(record.id)
    )


async def _account(
    services: Services, caller: UserCaller, author: Address
) -> tuple[UpstreamRecord, AccountConfig] | None:
    """The caller's account elsewhere that sends from an address which is none of ours."""
    if await services.store.directory.domain(author.domain) is not None:
        return None
    # All that accounts elsewhere need is loaded for the first who sends by one.
    elsewhere = await asyncio.to_thread(importlib.import_module, "mailkeep.upstream.sending")
    found: tuple[UpstreamRecord, AccountConfig] | None = await elsewhere.account_for(
        services.store, caller.user_id, author
    )
    return found


def _checked(octets: bytes) -> CheckedMessage:
    """The message as its signer sees it; its body is hashed in a thread."""
    header, _, body = octets.partition(b"\r\n\r\n")

    async def hashed(forms: Collection[BodyForm]) -> Mapping[BodyForm, HashedBody]:
        return await asyncio.to_thread(hash_bodies, body, forms)

    return CheckedMessage(header + b"\r\n", hashed)


def _told(submitted: Submitted, draft: Draft) -> Sent:
    copies = [one for one in submitted.delivered if not one.target.is_news]
    local = [str(one.target.address) for one in submitted.delivered if one.target.is_news]
    return Sent(
        id=copies[0].email_id if copies else None,
        message_id=draft.message_id,
        delivered=local,
        queued=[str(address) for address in submitted.queued],
    )


# --- who -----------------------------------------------------------------------------------------


def addressed_of(new: NewMessage) -> Addressed:
    """Raises InvalidName for nobody, too many, or what is no address."""
    found = Addressed(*(tuple(map(named_of, texts)) for texts in (new.to, new.cc, new.bcc)))
    if not 0 < len(found.everybody()) <= RECIPIENTS_LIMIT:
        raise InvalidName(f"A message has at least one recipient, and at most {RECIPIENTS_LIMIT}.")
    return found


async def _author(services: Services, caller: UserCaller, given: str | None) -> Named:
    """Whether the address is the caller's is asked by whoever takes the message."""
    user = await services.store.directory.user(caller.user_id)
    if user is None:
        raise NotFound("There is no such user.")
    author = named_of(given) if given is not None else Named(Address.parse(user.primary_address))
    return author if author.name or given is not None else Named(author.address, user.name)


def named_of(text: str) -> Named:
    """Raises InvalidName for a group, a list, or what is no address."""
    if text.rstrip().endswith("@") or "@" not in text:
        raise InvalidName("An address is name@domain, or Name <name@domain>.")
    found = addresses.parse(text.encode("utf-8", "replace"))
    if len(found) != 1 or not found[0].address:
        raise InvalidName("An address is name@domain, or Name <name@domain>.")
    return Named(Address.parse(found[0].address.decode()), (found[0].name or b"").decode())


# --- what it answers or forwards -----------------------------------------------------------------


async def _row(services: Services, caller: UserCaller, email_id: UUID | None) -> EmailRow | None:
    return None if email_id is None else await services.store.emails.get(caller.account_id, email_id)


async def _related(
    services: Services, draft: Draft, replied: EmailRow | None, forwarded: EmailRow | None, how: ForwardAs
) -> Draft:
    parent = replied or forwarded
    if parent is not None:
        summary = await _summary(services, parent)
        in_reply_to, references = thread(summary.message_id, summary.references)
        draft = replace(draft, in_reply_to=in_reply_to if replied else "", references=references)
    if forwarded is not None and how != "text":
        body = await services.store.messages.body(forwarded.message_id)
        if body.size > services.settings.smtp.max_message_size:
            raise TooLarge("The forwarded message is too large to be sent again.")
        octets = await body.read()
        if how == "message":
            return replace(draft, messages=(octets,))
        draft = replace(draft, files=(*draft.files, *await asyncio.to_thread(files_of, octets)))
    return draft


async def _summary(services: Services, row: EmailRow) -> MessageSummary:
    async for batch in services.store.messages.rows([row.message_id], [Column.SUMMARY]):
        for _, summary in batch:
            found: MessageSummary = summary
            return found
    raise NotFound("There is no such message.")


def files_of(octets: bytes) -> tuple[File, ...]:
    """The files of a message, decoded. Blocks."""
    return tuple(
        File(
            one.file_name or NO_NAME,
            one.media_type,
            b"".join(transfer.decoded_chunks(octets, one.start, one.end, one.encoding)),
        )
        for one in attachments.attachments(scan(octets))
    )


async def _mark(services: Services, caller: UserCaller, row: EmailRow | None, flags: Flags) -> None:
    if row is not None:
        await changes.add_flags(services, caller, row.email_id, flags)
