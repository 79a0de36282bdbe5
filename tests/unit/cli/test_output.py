"""Tables, lines and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from mailkeep.model.scope import Scope
from mailkeep_cli.output import plain, show_done, show_rows

ID = UUID("0d5c8a52-4b1f-4f0e-9b57-1f6f3f2f7f55")
ROWS = [{"id": ID, "name": "a\x1b[2Jb", "at": datetime(2026, 11, 22, 3, tzinfo=UTC), "hidden": 1}]
COLUMNS = {"id": "ID", "name": "NAME", "at": "WHEN"}


def test_into_a_pipe_go_tab_separated_lines(capsys):
    show_rows(ROWS, COLUMNS, as_json=False, empty="none")
    title, line = capsys.readouterr().out.splitlines()
    assert title == "ID\tNAME\tWHEN"
    assert line == f"{ID}\ta\ufffd[2Jb\t2026-11-22 03:00:00 UTC"


def test_json_has_everything_in_forms_that_json_has(capsys):
    show_rows([{**ROWS[0], "scope": Scope.IMAP, "networks": ("::/0",)}], COLUMNS, as_json=True, empty="none")
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": str(ID),
            "name": "a\x1b[2Jb",
            "at": "2026-11-22T03:00:00Z",
            "hidden": 1,
            "scope": "imap",
            "networks": ["::/0"],
        }
    ]


def test_nothing_is_an_empty_list_for_programs_and_a_sentence_for_people(capsys):
    show_rows([], COLUMNS, as_json=True, empty="No keys yet.")
    assert json.loads(capsys.readouterr().out) == []
    show_rows([], COLUMNS, as_json=False, empty="No keys yet.")
    assert capsys.readouterr() == ("", "No keys yet.\n")


def test_on_a_terminal_a_table_that_steers_nothing(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show_rows(ROWS, COLUMNS, as_json=False, empty="none")
    table = capsys.readouterr().out
    assert "NAME" in table
    assert "\x1b[2J" not in table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (False, "no"),
        ((), "-"),
        (("a", "b"), "a, b"),
        (7, "7"),
        ("é", "é"),
    ],
)
def test_values_as_people_read_them(value, text):
    assert plain(value) == text


def test_done(capsys):
    show_done({"id": ID}, "Done\x07.", as_json=False)
    assert capsys.readouterr().out == "Done\ufffd.\n"
    show_done({"id": ID}, "Done.", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"id": str(ID)}
