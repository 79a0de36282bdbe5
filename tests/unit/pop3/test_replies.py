"""Replies: RFC 1939 section 3, RFC 2449 sections 4 and 8, RFC 5034 section 4."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.replies import LISTING_BATCH, Code, challenge, err, listing, multi_line, ok


def test_status_indicators() -> None:
    assert ok() == b"+OK\r\n"
    assert ok("2 320") == b"+OK 2 320\r\n"
    assert err("No such message.") == b"-ERR No such message.\r\n"
    assert err("Busy.", Code.IN_USE) == b"-ERR [IN-USE] Busy.\r\n"


@given(st.text(max_size=2000))
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    for reply in (ok(text), err(text), err(text, Code.SYS_TEMP)):
        assert len(reply) <= 512
        assert reply.endswith(b"\r\n")
        assert all(0x20 <= octet <= 0x7E for octet in reply[:-2])


def test_text_cannot_pose_as_a_response_code() -> None:
    assert err("[AUTH] no") == b"-ERR AUTH] no\r\n"


def test_challenges() -> None:
    assert challenge(b"") == b"+ \r\n"
    assert challenge(b"User Name\0") == b"+ VXNlciBOYW1lAA==\r\n"


def test_multi_line() -> None:
    assert multi_line("List", ["1 120", "2 200"]) == b"+OK List\r\n1 120\r\n2 200\r\n.\r\n"
    assert multi_line("", []) == b"+OK\r\n.\r\n"


def test_long_listings_come_in_pieces() -> None:
    lines = [f"{number} 1" for number in range(1, 2 * LISTING_BATCH + 2)]
    pieces = list(listing("List", lines))
    assert len(pieces) == 4
    assert b"".join(pieces) == ("+OK List\r\n" + "".join(f"{line}\r\n" for line in lines) + ".\r\n").encode()
