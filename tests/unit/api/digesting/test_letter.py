"""What a digest says, to whom, and that nothing of what strangers wrote is more than text in it."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import cast
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from mailkeep.model.address import Address
from mailkeep.model.flags import Flags
from mailkeep.storage.interface import EmailRow
from mailkeep_api.digesting.letter import Digest, octets_of

AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


def row(subject: str = "Lunch?", sender: str = "Bob", preview: str = "At noon.") -> EmailRow:
    return EmailRow(
        email_id=uuid4(),
        message_id=1,
        mailbox_id=1,
        mailbox="INBOX",
        uid=1,
        flags=Flags(),
        received_at=AT.replace(hour=6),
        size=1,
        header_message_id="",
        subject=subject,
        from_address="bob@there.example",
        from_name=sender,
        attachment_count=0,
        preview=preview,
        thread_id=uuid4(),
    )


def letter(*rows: EmailRow, count: int = 0, link: str = "") -> EmailMessage:
    to = Address.parse("ann@example.test")
    since = AT.replace(day=26)
    digest = Digest(to, since, AT, ZoneInfo("Europe/Berlin"), count or len(rows), rows, link)
    parsed = email.message_from_bytes(octets_of(digest, "id@host"), policy=policy.default)
    return cast(EmailMessage, parsed)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return cast(str, part.get_content())


def test_who_wrote_what_and_when() -> None:
    message = letter(row(), row("", preview=""), link="https://mail.example.test/console/mail")
    assert message["Subject"] == "2 unread messages since 2026-11-26 09:00"
    assert (message["To"], message["From"]) == ("ann@example.test", "Mailkeep <postmaster@example.test>")
    assert (message["Auto-Submitted"], message["Return-Path"]) == ("auto-generated", "<>")
    assert message["Message-ID"] == "<id@host>"
    assert body(message, "plain").splitlines() == [
        "2 unread messages came since 2026-11-26 09:00.",
        "",
        "Bob, 2026-11-27 07:00",
        "  Lunch?",
        "  At noon.",
        "",
        "Bob, 2026-11-27 07:00",
        "  (no subject)",
        "",
        "Read them: https://mail.example.test/console/mail",
        "",
        "You get this because your settings ask for a digest of unread mail.",
    ]
    assert '<a href="https://mail.example.test/console/mail">' in body(message, "html")


def test_one_is_one_and_what_is_left_out_is_counted() -> None:
    assert letter(row())["Subject"].startswith("1 unread message since")
    assert "And 41 more." in body(letter(row(), count=42), "plain")
    assert "<p>And 41 more.</p>" in body(letter(row(), count=42), "html")


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "a\r\nBcc: eve@there.example\r\n", "\udcff\0"]
)
def test_what_strangers_wrote_is_text(text: str) -> None:
    message = letter(row(text, text, text))
    assert message["Bcc"] is None
    assert "<img" not in body(message, "html")
    assert "\nBcc:" not in body(message, "plain")


def test_a_subject_without_end_is_cut() -> None:
    assert max(map(len, body(letter(row("x" * 10_000)), "plain").splitlines())) <= 210
