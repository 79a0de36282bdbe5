"""`mailkeep upstream sync` at a terminal: a bar for each folder of an account; in JSON none."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import rich

from mailkeep_cli.upstream_progress import progress


@pytest.fixture
def screen() -> Iterator[io.StringIO]:
    before = dict(rich.get_console().__dict__)
    shown = io.StringIO()
    rich.reconfigure(file=shown, force_terminal=True, width=100)
    yield shown
    rich.get_console().__dict__.update(before)


def test_each_folder_has_a_bar_that_moves(screen: io.StringIO) -> None:
    with progress(hidden=False) as told:
        told("work", "INBOX", 0, 300)
        told("work", "INBOX", 200, 300)
        told("work", "Empty", 0, 0)
        told("work", "Archive", 0, 50)
        told("work", "Archive", 50, 50)
        told("home", "INBOX", 10, 40)
        told("work", "INBOX", 300, 300)
    last = screen.getvalue().rpartition("work: INBOX")[2]
    assert "300/300" in last
    assert "home: INBOX" in last
    assert "10/40" in last
    assert "50/50" in last
    assert "━" in last
    assert "Empty" not in screen.getvalue()


def test_for_a_program_there_is_none(screen: io.StringIO) -> None:
    with progress(hidden=True) as told:
        told("work", "INBOX", 200, 300)
    assert screen.getvalue() == ""
