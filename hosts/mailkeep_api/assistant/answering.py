"""What stands above a message that an assistant forwards, and below what it answers."""

from __future__ import annotations

from mailkeep.mime import answering
from mailkeep_api.assistant.mailbox import Opened


def forwarded_text(word: str, original: Opened) -> str:
    """The text of a forwarded message below its forwarder's words."""
    return answering.forwarded_text(word, _original(original))


def with_quote(text: str, html: str | None, original: Opened) -> tuple[str, str | None]:
    """An answer's text and HTML with what is answered below, quoted."""
    return answering.with_quote(text, html, _original(original))


def _original(opened: Opened) -> answering.Original:
    email = opened.email
    return answering.Original(
        sender=f"{email.sender_name} <{email.sender}>" if email.sender_name else email.sender,
        date=f"{email.received_at:%a, %d %b %Y %H:%M:%S %z}",
        subject=email.subject,
        to=opened.to,
        text=opened.text,
    )
