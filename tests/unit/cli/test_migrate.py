"""`mailkeep migrate`: once or again, and a store that cannot be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailkeep.storage.migrating import HEAD
from mailkeep_cli import context
from mailkeep_cli.main import main


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def migrate(*options: str) -> Result:
    environ = {"MAILKEEP_CONFIG": "", "MAILKEEP_STORE_DATABASE": ""}
    return CliRunner().invoke(main, ["migrate", *options], env=environ)


def test_a_store_is_made_and_making_it_again_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        ran = migrate("--data-dir", str(data), "--json")
        assert (ran.exit_code, json.loads(ran.stdout)) == (0, {"version": HEAD}), ran.output
    assert (data / "mailkeep.sqlite3").exists()


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    ran = migrate("--database", "postgresql://mailkeep@127.0.0.1:1/mail")
    assert ran.exit_code == 1
    assert "Check that the database runs" in ran.output
    assert "Traceback" not in ran.output


def test_prune_says_how_much_was_forgotten(tmp_path: Path) -> None:
    assert migrate("--data-dir", str(tmp_path)).exit_code == 0
    ran = CliRunner().invoke(
        main, ["prune", "--audit-older-than", "1d", "--data-dir", str(tmp_path), "--json"]
    )
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, {"audit": 0}), ran.output
