"""THREAD (RFC 5256)."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.search import DateKey, DateTest, PlainKey
from mailkeep.imap.commands.thread import Thread
from mailkeep.imap.errors import BadCharset


def test_thread_rfc5256_3() -> None:
    command = parsed("THREAD orderedsubject UTF-8 SINCE 5-MAR-2000")
    assert isinstance(command, Thread)
    assert command.algorithm == "ORDEREDSUBJECT"
    assert [type(key) for key in command.keys] == [DateKey]
    assert parsed("UID THREAD REFERENCES US-ASCII ALL") == Thread(
        "A", "REFERENCES", "US-ASCII", (PlainKey.ALL,), uid=True
    )


def test_a_charset_must_be_known() -> None:
    refused("THREAD REFERENCES KOI-9 ALL", BadCharset)


@pytest.mark.parametrize("arguments", ["", "REFERENCES", "REFERENCES UTF-8", "(REFERENCES) UTF-8 ALL"])
def test_what_is_no_thread(arguments: str) -> None:
    refused(f"THREAD {arguments}")


def test_dates_within_are_search_dates() -> None:
    command = parsed("THREAD REFS UTF-8 SENTON 1-Jan-2020")
    assert isinstance(command, Thread)
    assert isinstance(command.keys[0], DateKey)
    assert command.keys[0].test is DateTest.SENTON
