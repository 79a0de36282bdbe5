"""IDLE and the line that ends it."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.idle import DONE_LINE_LIMIT, Idle, is_done
from mailkeep.imap.framing import Framer, Line


def test_idle_rfc2177_4() -> None:
    assert parsed("IDLE") == Idle("A")
    refused("IDLE 5")


def test_done_is_a_line_and_no_command() -> None:
    framer = Framer()
    framer.expect_line(DONE_LINE_LIMIT)
    framer.receive_data(b"done\r\n")
    assert framer.next_event() == Line(b"done")


@pytest.mark.parametrize(
    ("line", "ends"), [(b"DONE", True), (b"Done", True), (b"", False), (b"A1 NOOP", False)]
)
def test_done_in_any_case(line: bytes, ends: bool) -> None:
    assert is_done(line) is ends
