"""`mailkeep backup`, `restore` and `verify`: what they say, and their exit codes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailkeep_cli import context
from mailkeep_cli.main import main


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, env={"MAILKEEP_CONFIG": "", "MAILKEEP_STORE_DATABASE": ""})


@pytest.fixture
def data(tmp_path: Path) -> str:
    directory = str(tmp_path / "data")
    assert run("domains", "add", "example.test", "--data-dir", directory).exit_code == 0
    return directory


def test_there_and_back(data: str, tmp_path: Path) -> None:
    file, other = str(tmp_path / "mail.backup"), str(tmp_path / "other")
    made = json.loads(run("backup", file, "--data-dir", data, "--json").stdout)
    assert made["rows"]["domain"] == 1
    assert json.loads(run("restore", file, "--check", "--json").stdout) == made
    assert json.loads(run("restore", file, "--data-dir", other, "--json").stdout) == made
    listed = json.loads(run("domains", "list", "--data-dir", other, "--json").stdout)
    assert [domain["name"] for domain in listed] == ["example.test"]
    again = run("restore", file, "--data-dir", other)
    assert (again.exit_code, "in use" in again.output) == (1, True)


def test_what_cannot_be_read_or_written_is_one_sentence(data: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    assert "is not a backup of Mailkeep." in run("restore", str(text), "--check").output
    nowhere = run("backup", str(tmp_path / "no" / "where"), "--data-dir", data)
    assert (nowhere.exit_code, "No such file or directory" in nowhere.output) == (1, True)
    assert "no Mailkeep store" in run("backup", str(text), "--data-dir", str(tmp_path / "empty")).output


def test_verify_tells_faults_by_its_exit_code(data: str) -> None:
    well = run("verify", "--data-dir", data)
    assert (well.exit_code, "all is well." in well.output) == (0, True)
    with sqlite3.connect(Path(data) / "mailkeep.sqlite3") as harmed:
        harmed.execute("INSERT INTO account (uidvalidity, created_at) VALUES (1, 1)")
        harmed.execute(
            "INSERT INTO mailbox (account_id, name, object_id, selectable, uidvalidity, uidnext,"
            " highestmodseq, messages, unseen, deleted, size) VALUES (1, 'x', 'x', 1, 1, 1, 1, 7, 0, 0, 0)"
        )
    harmed.close()
    found = run("verify", "--data-dir", data, "--json")
    assert found.exit_code == 1
    (fault,) = json.loads(found.stdout)["faults"]
    assert fault == {"kind": "counter", "sentence": "Mailbox 1 counts 7 messages and has 0."}
