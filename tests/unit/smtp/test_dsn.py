"""Reports as RFC 3464 has them, read back by the standard library's parser."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from mailkeep.model.address import Address
from mailkeep.smtp.dsn import Action, Report, Reported, decoded, head, tail

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALICE = Address.parse("alice@example.test")


def report(*recipients: Reported, action: Action = Action.FAILED, **more: Any) -> Report:
    return Report(action, "id1", "mx.example.test", ALICE, recipients, AT, AT, "=_b", **more)


def parsed(made: Report, returned: bytes = b"Subject: hi\r\n") -> Message:
    return message_from_bytes(head(made) + returned + tail(made))


def fields(made: Report) -> list[dict[str, str]]:
    status = parsed(made).get_payload()[1]
    assert status.get_content_type() == "message/delivery-status"
    return [dict(group.items()) for group in status.get_payload()]


def test_its_parts() -> None:
    made = parsed(report(Reported(Address.parse("bob@far.test"))))
    assert made["Auto-Submitted"] == "auto-replied"
    assert made.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in made.get_payload()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert made.get_payload()[2].get_payload() == "Subject: hi\r\n"


@pytest.mark.parametrize(
    ("full", "internationalized", "kind"),
    [
        (False, False, "text/rfc822-headers"),
        (True, False, "message/rfc822"),
        (False, True, "message/global-headers"),
        (True, True, "message/global"),
    ],
)
def test_what_comes_back_is_named_by_what_it_is(full: bool, internationalized: bool, kind: str) -> None:
    """RFC 6522 section 3, RFC 6533 sections 5 and 6."""
    made = report(full=full, ascii_only=False, internationalized=internationalized)
    returned = parsed(made).get_payload()[2]
    assert (returned.get_content_type(), returned["Content-Transfer-Encoding"]) == (kind, "8bit")


def test_its_fields() -> None:
    bob = Reported(
        Address.parse("bob@far.test"),
        orcpt="rfc822;Bob+2Bx@far.test",
        status="5.1.1",
        reply="550 5.1.1 no such user",
        host="mx.far.test",
        attempted_at=AT,
    )
    message, recipient = fields(report(bob, envid="QQ+3D1"))
    assert message == {
        "Original-Envelope-Id": "QQ=1",
        "Reporting-MTA": "dns; mx.example.test",
        "Arrival-Date": "Fri, 02 Jan 2026 03:04:05 +0000",
    }
    assert recipient == {
        "Original-Recipient": "rfc822; Bob+x@far.test",
        "Final-Recipient": "rfc822; bob@far.test",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.far.test",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
        "Last-Attempt-Date": "Fri, 02 Jan 2026 03:04:05 +0000",
    }


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (Action.FAILED, "5.0.0"),
        (Action.DELAYED, "4.0.0"),
        (Action.DELIVERED, "2.1.5"),
        (Action.RELAYED, "2.0.0"),
    ],
)
def test_a_status_of_its_action(action: Action, status: str) -> None:
    until = AT if action is Action.DELAYED else None
    _, recipient = fields(report(Reported(Address.parse("bob@far.test"), retry_until=until), action=action))
    assert (recipient["Action"], recipient["Status"]) == (action.value, status)
    assert ("Will-Retry-Until" in recipient) is (action is Action.DELAYED)


def test_an_address_beyond_ascii() -> None:
    made = report(Reported(Address.parse("jos\u00e9@far.test")))
    assert fields(made)[1]["Final-Recipient"] == "utf-8; jos\\x{E9}@far.test"
    assert "jos\u00e9@far.test" in parsed(made).get_payload()[0].get_payload(decode=True).decode()


def test_what_utf_8_addr_xtext_has_other_uses_for_is_escaped_too() -> None:
    """RFC 6533 section 3: QCHAR has neither plus nor equals sign, nor the backslash."""
    made = report(Reported(Address.parse("k\u00e4se+tag=x@far.test")))
    assert fields(made)[1]["Final-Recipient"] == "utf-8; k\\x{E4}se\\x{2B}tag\\x{3D}x@far.test"


@pytest.mark.parametrize(
    ("orcpt", "told"),
    [
        ("utf-8;jos\\x{E9}\\x{2B}41@far.test", "utf-8; jos\\x{E9}\\x{2B}41@far.test"),
        ("utf-8;jos\u00e9+41@far.test", "utf-8; jos\\x{E9}+41@far.test"),
        ("rfc822;jos+2B41@far.test", "rfc822; jos+41@far.test"),
    ],
)
def test_an_orcpt_is_told_as_its_type_escapes(orcpt: str, told: str) -> None:
    """RFC 3461 section 4.2 for xtext, RFC 6533 section 3 for the type utf-8, whose escapes stay."""
    made = report(Reported(Address.parse("jose@far.test"), orcpt=orcpt))
    assert fields(made)[1]["Original-Recipient"] == told


def test_nothing_that_a_peer_said_ends_a_field_or_the_part() -> None:
    nasty = "550 x\r\nAction: delivered\r\n--=_b\r\n\x00\u00e9"
    made = report(
        Reported(Address.parse("bob@far.test"), orcpt="rfc822;a+0D+0AX:+20y", reply=nasty, host="h\r\n\r\n")
    )
    (_, recipient) = fields(made)
    assert recipient["Action"] == "failed"
    assert recipient["Original-Recipient"] == "rfc822; a??X: y"
    assert len(parsed(made).get_payload()) == 3


def test_xtext_is_decoded() -> None:
    assert decoded("a+2Bb+3D+20c") == "a+b= c"
