"""Mail that leaves by an account elsewhere: what the queue runner asks of whoever knows the accounts.

An attempt of which nobody knows whether it arrived is looked for in the account's Sent mailbox, by the
message's Message-ID and the attempt's own name, which goes out in a header field of the copy. Where there is
no such mailbox to look into, mail goes out twice rather than not at all.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mailkeep.delivery.remote.credentials import Credentials
from mailkeep.delivery.remote.routing import Server
from mailkeep.model.queue import Claimed
from mailkeep.storage.interface import Body

ATTEMPT_FIELD = "X-Mailkeep-Attempt"
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^<>\s]{1,400})>", re.IGNORECASE | re.MULTILINE)


class Account(Protocol):
    """One account elsewhere, by which mail is sent."""

    @property
    def server(self) -> Server:
        """Where it submits."""

    @property
    def credentials(self) -> Credentials:
        """How it proves itself there."""

    async def arrived(self, message_id: str, attempts: Sequence[str]) -> frozenset[str]:
        """Those of the attempts whose copy lies in Sent, as far as that can be looked into.

        Raises NotSent if there is such a mailbox and it cannot be looked into now."""


class Accounts(Protocol):
    """All accounts elsewhere, by the names that routes have."""

    async def of(self, route: str) -> Account:
        """Raises NotSent, for good if there is no such account any more; StoreUnavailable."""


def attempt_of(recipients: Sequence[Claimed]) -> str:
    """The name of an attempt for these: a recipient has one attempt of that number, and it is part of one."""
    return f"{recipients[0].id}.{recipients[0].attempts}"


def message_id_of(header: bytes) -> str:
    """Without its brackets, "" if there is none."""
    found = _MESSAGE_ID.search(header)
    return found[1].decode("utf-8", "replace") if found else ""


@dataclass(frozen=True, slots=True)
class Headed:
    """A message with one field more at its top."""

    field: bytes
    body: Body

    @property
    def size(self) -> int:
        """Octets of both."""
        return len(self.field) + self.body.size

    async def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """See Body."""
        whole = self.field + await self.body.read()
        return whole[offset : None if length is None else offset + length]

    async def chunks(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See Body; only from the beginning to the end."""
        assert offset == 0
        assert length is None
        yield self.field
        async for piece in self.body.chunks():
            yield piece


def headed(body: Body, attempt: str) -> Headed:
    """The message as this attempt sends it."""
    return Headed(f"{ATTEMPT_FIELD}: {attempt}\r\n".encode(), body)
