"""A message to be sent, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Base64Bytes, Field

from mailkeep_api.schemas import Shape

RECIPIENTS_LIMIT = 200  # of one message, over To, Cc and Bcc
ADDRESS_LIMIT = 1000  # characters of an address with its name
SUBJECT_LIMIT = 900
NAME_LIMIT = 255  # characters of a file's name
FILES_LIMIT = 100
TEXT_LIMIT = 10 * 1024 * 1024  # characters


def _one_line(text: str) -> str:
    if any(char < " " or char == "\x7f" or char in "\x85\u2028\u2029" for char in text):
        raise ValueError("it is one line without control characters")
    return text


OneLine = AfterValidator(_one_line)
AddressText = Annotated[str, Field(max_length=ADDRESS_LIMIT), OneLine]
Addresses = Annotated[list[AddressText], Field(max_length=RECIPIENTS_LIMIT)]


ForwardAs = Literal["files", "message", "text"]


class NewAttachment(Shape):
    """One file, its octets in base64."""

    file_name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), OneLine]
    content_type: Annotated[str, Field(max_length=200)] = "application/octet-stream"
    content: Base64Bytes = Field(repr=False)


class NewMessage(Shape):
    """Addresses are `name@domain` or `Name <name@domain>`. Without `from`, it is the caller's primary address
    and name; an address that one of the caller's accounts elsewhere sends from is sent by that account.
    `reply_to_email_id` and `forward_email_id` name messages of the caller's: an answer joins the thread and
    marks the other as answered; what is forwarded comes along with its files, with `forward_as` "message"
    as a whole, with "text" as the caller's own text alone."""

    from_: AddressText | None = Field(None, alias="from")
    to: Addresses = Field(default_factory=list)
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    subject: Annotated[str, Field(max_length=SUBJECT_LIMIT), OneLine] = ""
    text_body: Annotated[str, Field(max_length=TEXT_LIMIT)] | None = Field(None, repr=False)
    html_body: Annotated[str, Field(max_length=TEXT_LIMIT)] | None = Field(None, repr=False)
    attachments: Annotated[list[NewAttachment], Field(max_length=FILES_LIMIT)] = Field(default_factory=list)
    reply_to_email_id: UUID | None = None
    forward_email_id: UUID | None = None
    forward_as: ForwardAs = "files"


class Sent(Shape):
    """`id` is the copy in the mailbox Sent, null where the account elsewhere that sends it keeps the copy.
    `delivered` recipients are here, `queued` ones elsewhere: if one of them cannot be reached, a report comes
    by mail."""

    id: UUID | None
    message_id: str
    delivered: list[str]
    queued: list[str]
