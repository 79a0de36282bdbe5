"""COPY and MOVE."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.copy import Copy, Move
from mailkeep.imap.sequence import SAVED_RESULT, SequenceSet


def test_copy_rfc9051_6_4_7() -> None:
    assert parsed("COPY 2:4 MEETING") == Copy("A", SequenceSet(((2, 4),)), "MEETING")
    assert parsed('UID COPY $ "Old mail"') == Copy("A", SAVED_RESULT, "Old mail", uid=True)


def test_move_rfc6851_3_1() -> None:
    assert parsed("MOVE * Archive") == Move("A", SequenceSet(((0, 0),)), "Archive")
    assert parsed("UID MOVE 42:69 inbox") == Move("A", SequenceSet(((42, 69),)), "INBOX", uid=True)


@pytest.mark.parametrize("arguments", ["", "1", "1 ", "x y", "1 a b", "0 a", "1 a%"])
def test_what_is_neither(arguments: str) -> None:
    refused(f"COPY {arguments}")
    refused(f"UID MOVE {arguments}")
