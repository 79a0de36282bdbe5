"""To whom an answer goes, and what stands above and below what is written: as mail programs have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mailkeep.mime import addresses, charset, headers

ADDRESSEES_LIMIT = 200
SUBJECT_LIMIT = 900  # characters
_CONTROLS = dict.fromkeys((*range(32), 127, 133, 8232, 8233), " ")


@dataclass(frozen=True, slots=True)
class Answered:
    """The addressees of an answer, as addresses alone: names are others' words."""

    to: list[str]
    cc: list[str]


@dataclass(frozen=True, slots=True)
class Original:
    """What a reader sees above a message that is forwarded or quoted: `date` as text."""

    sender: str
    date: str
    subject: str
    to: Sequence[str]
    text: str


def answered(header: bytes, own: frozenset[str], *, everybody: bool) -> Answered:
    """RFC 5322 section 3.6.3: Reply-To if there is one, else From; To and Cc as well if `everybody` is meant.

    `own` are the answerer's addresses in lower case, who need no copy, unless they are all there is.
    """
    found = headers.index(header, joined=(b"from", b"reply-to", b"to", b"cc"))
    asked = read(found.get(b"reply-to", b"")) or read(found.get(b"from", b""))
    others = [*read(found.get(b"to", b"")), *read(found.get(b"cc", b""))] if everybody else []
    to = [address for address in asked if address.lower() not in own]
    if not to:  # an answer to what one wrote oneself goes to whom that went
        to = read(found.get(b"to", b"")) or asked
    passed_over = own | {address.lower() for address in to}
    cc = [address for address in others if address.lower() not in passed_over]
    return Answered(to[:ADDRESSEES_LIMIT], cc[: max(0, ADDRESSEES_LIMIT - len(to))])


def read(value: bytes) -> list[str]:
    """The addresses of a field."""
    return [one_line(charset.decode(one.address, "")) for one in addresses.parse(value) if one.address]


def subject_of(prefix: str, subject: str) -> str:
    """The subject with `Re:` or `Fwd:` before it, once."""
    plain = one_line(subject).strip()
    whole = plain if plain.lower().startswith(prefix.lower()) else f"{prefix} {plain}"
    return whole[:SUBJECT_LIMIT].strip()


def with_quote(text: str, html: str | None, original: Original) -> tuple[str, str | None]:
    """An answer's text and HTML with what is answered below, quoted."""
    intro = f"On {one_line(original.date)}, {one_line(original.sender)} wrote:"
    plain = f"{text}\n\n{intro}\n{quoted(original.text)}"
    if html is None:
        return plain, None
    said = "<br>\n".join(escape(line) for line in original.text.splitlines())
    return plain, f"{html}\n<p>{escape(intro)}</p>\n<blockquote>{said}</blockquote>"


def quoted(text: str) -> str:
    """RFC 3676 section 4.5's manner of quoting."""
    return "\n".join(f">{line}" if line.startswith(">") else f"> {line}" for line in text.splitlines())


def forwarded_text(word: str, original: Original) -> str:
    """The text of a forwarded message below its forwarder's words."""
    head = [
        "---------- Forwarded message ----------",
        f"From: {one_line(original.sender)}",
        f"Date: {one_line(original.date)}",
        f"Subject: {one_line(original.subject)}",
        f"To: {', '.join(original.to)}",
    ]
    return "\n".join([*([word, ""] if word else []), *head, "", original.text])


def one_line(text: str) -> str:
    """What others wrote, as text that may stand in a header field."""
    return text.translate(_CONTROLS)
