"""A message as checks see it: its header section, and its body by the hashes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from mailkeep.mailauth.dkim.canonical import BodyForm, HashedBody, hash_bodies
from mailkeep.mime import headers

HEADER_LIMIT = 256 * 1024
"""Octets of a header section that is checked: each signature canonicalises what it signs of it."""

HashBodies = Callable[[Collection[BodyForm]], Awaitable[Mapping[BodyForm, HashedBody]]]


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """`hash_bodies` gives the hashes asked for: from a thread, where the body is large."""

    header: bytes = field(repr=False)
    hash_bodies: HashBodies = field(repr=False)
    fields: tuple[tuple[bytes, bytes], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(headers.fields(self.header)))

    def named(self, name: bytes) -> list[bytes]:
        """The raw fields of one name in lower case, from the top."""
        return [raw for found, raw in self.fields if found.lower() == name]


def in_memory(octets: bytes) -> CheckedMessage:
    """A whole message that is small enough to be hashed where it is."""
    header, blank, body = octets.partition(b"\r\n\r\n")

    async def hashed(forms: Collection[BodyForm]) -> Mapping[BodyForm, HashedBody]:
        return hash_bodies(body, forms)

    return CheckedMessage(header + blank[:2], hashed)
