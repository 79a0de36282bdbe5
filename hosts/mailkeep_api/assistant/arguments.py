"""What each tool takes. The models are its input schema too, and nothing that does not fit them gets further.

Whatever may stand in a header field is one line: an assistant that was talked into it cannot write a second.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from mailkeep.model.mailbox import INBOX, MAILBOX_NAME_LIMIT
from mailkeep_api.queries import TEXT_LIMIT as SOUGHT_LIMIT
from mailkeep_api.queries import Moment, in_utc
from mailkeep_api.schemas.sending import (
    NAME_LIMIT,
    SUBJECT_LIMIT,
    Addresses,
    AddressText,
    NewAttachment,
    OneLine,
)

ITEMS_LIMIT = 500  # messages of one answer
ITEMS_DEFAULT = 20
ACCOUNT_LIMIT = 320  # characters; an address's
OFFSET_LIMIT = 10_000_000
ID_LIMIT = 600  # characters
TEXT_LIMIT = 200_000  # characters of a message's text, in and out
SHOWN_DEFAULT = 20_000
FILES_LIMIT = 20  # of one message
FILES_OCTETS_LIMIT = 5 * 1024 * 1024  # of all of them: a call is one piece of JSON

EmailId = Annotated[
    str, Field(min_length=1, max_length=ID_LIMIT, description="An id out of a list or a search."), OneLine
]
AccountName = Annotated[str, Field(min_length=1, max_length=ACCOUNT_LIMIT), OneLine]
FolderName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAILBOX_NAME_LIMIT,
        description="A folder's whole name, as get_folders has it.",
    ),
    OneLine,
]
Limit = Annotated[int, Field(strict=True, ge=1, le=ITEMS_LIMIT, description="How many at most.")]
When = Annotated[Moment | None, AfterValidator(in_utc), Field(description="RFC 3339; included.")]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
Flag = Annotated[bool, Field(strict=True)]


class Arguments(BaseModel):
    """Base of them all: a word that a tool does not know is refused, because it was meant to do something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Annotated[
        AccountName | None,
        Field(
            description="A Gmail or Outlook account that this browser session has connected, by provider or "
            "address; else the user's own mailbox."
        ),
    ] = None


def _octets(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it is base64")
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is no base64 (RFC 4648 section 4)") from None


def _plain_name(name: str) -> str:
    """No path, no hidden file, no character that turns what is read around (UTS 55)."""
    if not name.isprintable() or any(char in name for char in "/\\:") or name.startswith("."):
        raise ValueError("it is a plain file name")
    return name


def _within_limit(files: list[Attachment]) -> list[Attachment]:
    if sum(len(one.content) for one in files) > FILES_OCTETS_LIMIT:
        raise ValueError(f"all files together have at most {FILES_OCTETS_LIMIT} octets")
    return files


class Attachment(BaseModel):
    """One file to be sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), OneLine, AfterValidator(_plain_name)]
    content: Annotated[
        bytes,
        BeforeValidator(_octets),
        Field(repr=False),
        WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "Its octets."}),
    ]
    content_type: Annotated[str, Field(max_length=200), OneLine] = "application/octet-stream"

    def as_new(self) -> NewAttachment:
        """As sending takes it."""
        return NewAttachment.model_construct(
            file_name=self.name, content_type=self.content_type, content=self.content
        )


Attachments = Annotated[list[Attachment], Field(max_length=FILES_LIMIT), AfterValidator(_within_limit)]
Offset = Annotated[int, Field(strict=True, ge=0, le=OFFSET_LIMIT, description="How many to pass over.")]


class ListEmails(Arguments):
    """A piece of a folder."""

    folder: FolderName = INBOX
    limit: Limit = ITEMS_DEFAULT
    offset: Offset = 0


class SearchEmails(Arguments):
    """All that is given must hold."""

    text: Annotated[
        str,
        Field(max_length=SOUGHT_LIMIT, description="Looked for in sender, subject and text, in any case."),
        OneLine,
    ] = ""
    folder: Annotated[
        FolderName | None,
        Field(description="One of Sent, Drafts, Junk, Trash, Archive; else all received mail."),
    ] = None
    since: When = None
    until: When = None
    has_attachments: Flag | None = None
    is_read: Flag | None = None
    limit: Limit = ITEMS_DEFAULT
    offset: Offset = 0


class ReadEmail(Arguments):
    """One message."""

    email_id: EmailId
    max_characters: Annotated[
        int, Field(strict=True, ge=1, le=TEXT_LIMIT, description="Of the text; the rest is left off.")
    ] = SHOWN_DEFAULT


class SendEmail(Arguments):
    """A new message. Addresses are `name@domain` or `Name <name@domain>`."""

    to: Addresses = Field(min_length=1)
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    subject: Annotated[str, Field(max_length=SUBJECT_LIMIT), OneLine] = ""
    text: Text
    html: Text | None = None
    sender: Annotated[
        AddressText | None, Field(description="One of the user's own addresses; else the first of them.")
    ] = None
    attachments: Attachments = Field(default_factory=list)


class ReplyEmail(Arguments):
    """An answer to whoever the message says."""

    email_id: EmailId
    text: Text
    html: Text | None = None
    reply_all: Annotated[Flag, Field(description="Also to all others who got it.")] = False
    quote: Annotated[Flag, Field(description="With the message that is answered below, quoted.")] = False
    attachments: Attachments = Field(default_factory=list)


class ForwardEmail(Arguments):
    """A message with its files, and a word before it."""

    email_id: EmailId
    to: Addresses = Field(min_length=1)
    text: Text = ""
    with_files: Annotated[Flag, Field(description="With the message's own files.")] = True
    attachments: Annotated[Attachments, Field(description="Further files.")] = Field(default_factory=list)


class DeleteEmail(Arguments):
    """One message."""

    email_id: EmailId


class MarkEmailRead(Arguments):
    """One message, and what it is from now on."""

    email_id: EmailId
    is_read: Flag = True


class MoveEmail(Arguments):
    """One message, and where to."""

    email_id: EmailId
    folder: FolderName


class GetFolders(Arguments):
    """Nothing."""


class ListLabels(Arguments):
    """Nothing."""
