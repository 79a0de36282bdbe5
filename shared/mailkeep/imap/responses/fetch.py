"""Messages, and what URLs lead to. FETCH, of which there are thousands, is joined by render.py."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailkeep.imap.encoder import literal, string
from mailkeep.imap.names import LEGACY, NameForm


@dataclass(frozen=True, slots=True)
class FetchData:
    """RFC 9051 section 7.5.2: (label, value) pairs, values as ready octets. With `uid` it is UIDFETCH, and
    `number` a UID (RFC 9586 section 3.3)."""

    number: int
    items: tuple[tuple[bytes, bytes], ...]
    uid: bool = False

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The response, literals in place."""
        items = b" ".join(b"%b %b" % item for item in self.items)
        return b"* %d %b (%b)\r\n" % (self.number, b"UIDFETCH" if self.uid else b"FETCH", items)


@dataclass(frozen=True, slots=True)
class GenUrlAuthData:
    """RFC 4467 section 8: URLs with their tokens, in the order asked."""

    urls: tuple[str, ...] = field(repr=False)

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* GENURLAUTH %b\r\n" % b" ".join(string(url.encode("utf-8")) for url in self.urls)


@dataclass(frozen=True, slots=True)
class UrlFetchData:
    """RFC 4467 section 8: what a URL leads to, None for nothing."""

    url: str = field(repr=False)
    octets: bytes | None = field(repr=False)

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The response, a literal in place."""
        value = b"NIL" if self.octets is None else literal(self.octets)
        return b"* URLFETCH %b %b\r\n" % (string(self.url.encode("utf-8")), value)
