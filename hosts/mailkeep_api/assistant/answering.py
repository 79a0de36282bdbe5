"""To whom an answer goes, and what stands above and below what is written: as mail programs have it."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.mime import addresses, charset, headers
from mailkeep_api.assistant.mailbox import Opened
from mailkeep_api.schemas.sending import RECIPIENTS_LIMIT, SUBJECT_LIMIT

_CONTROLS = dict.fromkeys((*range(32), 127, 133, 8232, 8233), " ")


@dataclass(frozen=True, slots=True)
class Answered:
    """The addressees of an answer, as addresses alone: names are others' words."""

    to: list[str]
    cc: list[str]


def answered(header: bytes, own: frozenset[str], *, everybody: bool) -> Answered:
    """RFC 5322 section 3.6.3: Reply-To if there is one, else From; To and Cc as well if `everybody` is meant.

    `own` are the answerer's addresses in lower case, who need no copy, unless they are all there is.
    """
    found = headers.index(header, joined=(b"from", b"reply-to", b"to", b"cc"))
    asked = _read(found.get(b"reply-to", b"")) or _read(found.get(b"from", b""))
    others = [*_read(found.get(b"to", b"")), *_read(found.get(b"cc", b""))] if everybody else []
    to = [address for address in asked if address.lower() not in own]
    if not to:  # an answer to what one wrote oneself goes to whom that went
        to = _read(found.get(b"to", b"")) or asked
    passed_over = own | {address.lower() for address in to}
    cc = [address for address in others if address.lower() not in passed_over]
    return Answered(to[:RECIPIENTS_LIMIT], cc[: max(0, RECIPIENTS_LIMIT - len(to))])


def _read(value: bytes) -> list[str]:
    """The addresses of a field."""
    return [
        one_line(charset.decode(one.mailbox + b"@" + one.host, ""))
        for one in addresses.parse(value)
        if one.mailbox is not None and one.host is not None
    ]


def subject_of(prefix: str, subject: str) -> str:
    """The subject with `Re:` or `Fwd:` before it, once."""
    plain = one_line(subject).strip()
    whole = plain if plain.lower().startswith(prefix.lower()) else f"{prefix} {plain}"
    return whole[:SUBJECT_LIMIT].strip()


def forwarded_text(word: str, original: Opened) -> str:
    """The text of a forwarded message below its forwarder's words."""
    email = original.email
    sender = f"{one_line(email.sender_name)} <{email.sender}>" if email.sender_name else email.sender
    head = [
        "---------- Forwarded message ----------",
        f"From: {sender}",
        f"Date: {email.received_at:%a, %d %b %Y %H:%M:%S %z}",
        f"Subject: {one_line(email.subject)}",
        f"To: {', '.join(original.to)}",
    ]
    return "\n".join([*([word, ""] if word else []), *head, "", original.text])


def one_line(text: str) -> str:
    """What others wrote, as text that may stand in a header field."""
    return text.translate(_CONTROLS)
