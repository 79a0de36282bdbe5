"""What `mailkeep upstream send` was given, as a letter: addresses, files, the message that it answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from uuid import UUID

from mailkeep.errors import InvalidName, TooLarge
from mailkeep.mime import addresses
from mailkeep.mime.compose import File, Named
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.storage.interface import Store
from mailkeep.upstream.writing import Letter

TEXT_LIMIT = 10 * 1024 * 1024  # octets read from standard input


async def letter(store: Store, user: User, given: dict[str, Any], limit: int) -> Letter:
    """Of the command's options. Raises InvalidName, NotFound, TooLarge."""
    return Letter(
        to=_named(given["to"]),
        cc=_named(given["cc"]),
        bcc=_named(given["bcc"]),
        subject=given["subject"],
        text=given["text"] if given["text"] is not None else _standard_input(),
        html=_read(given["html"], limit).decode("utf-8", "replace") if given["html"] else None,
        files=tuple(_file(path, limit) for path in given["attach"]),
        answers=await _message(store, user, given["reply_to"], limit),
        answers_everybody=given["everybody"],
        forwards=await _message(store, user, given["forward"], limit),
        forwards_as=given["forward_as"],
    )


def _named(texts: Sequence[str]) -> tuple[Named, ...]:
    return tuple(_named_one(text) for text in texts)


def _named_one(text: str) -> Named:
    found = addresses.parse(text.encode("utf-8", "replace"))
    if len(found) != 1 or not found[0].address:
        raise InvalidName(f"'{text}' is no address: name@domain, or Name <name@domain>.")
    return Named(Address.parse(found[0].address.decode()), (found[0].name or b"").decode())


def _standard_input() -> str:
    octets = sys.stdin.buffer.read(TEXT_LIMIT + 1)
    if len(octets) > TEXT_LIMIT:
        raise TooLarge(f"A text has at most {TEXT_LIMIT} octets.")
    return octets.decode("utf-8", "replace")


def _file(path: Path, limit: int) -> File:
    kind, encoding = guess_type(path.name)
    return File(path.name, kind if kind and not encoding else "application/octet-stream", _read(path, limit))


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise InvalidName(f"{path} cannot be read: {error.strerror}.") from None
    if len(octets) > limit:
        raise TooLarge(f"{path} is too large: a message has at most {limit} octets.")
    return octets


async def _message(store: Store, user: User, email_id: UUID | None, limit: int) -> bytes | None:
    if email_id is None:
        return None
    row = await store.emails.get(user.account_id, email_id)
    body = await store.messages.body(row.message_id)
    if body.size > limit:
        raise TooLarge("That message is too large to be sent again.")
    return await body.read()
