"""A message as checks see it: its header section, and its body by the hashes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mailkeep.mailauth.canonical import BodyForm, HashedBody, hash_bodies
from mailkeep.mime import headers

HashBodies = Callable[[Collection[BodyForm]], Awaitable[Mapping[BodyForm, HashedBody]]]


@dataclass(frozen=True)
class CheckedMessage:
    """`hash_bodies` gives the hashes asked for: from a thread, where the body is large."""

    header: bytes = field(repr=False)
    hash_bodies: HashBodies = field(repr=False)

    @cached_property
    def fields(self) -> tuple[tuple[bytes, bytes], ...]:
        """(name as written, raw octets) of every field."""
        return tuple(headers.fields(self.header))

    def named(self, name: bytes) -> list[bytes]:
        """The raw fields of one name in lower case, from the top."""
        return [raw for found, raw in self.fields if found.lower() == name]


def in_memory(octets: bytes) -> CheckedMessage:
    """A whole message that is small enough to be hashed where it is."""
    header, blank, body = octets.partition(b"\r\n\r\n")

    async def hashed(forms: Collection[BodyForm]) -> Mapping[BodyForm, HashedBody]:
        return hash_bodies(body, forms)

    return CheckedMessage(header + blank[:2], hashed)
