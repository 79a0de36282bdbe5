"""`mailkeep aliases`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

Run = Callable[..., Result]
TEAM = "team@example.org"


@pytest.fixture
def aliases(sqlite_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of the group, on a store with example.org and ann in it."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--data-dir", sqlite_settings.data_dir])

    assert run("domains", "add", "example.org").exit_code == 0
    assert run("users", "add", "ann@example.org").exit_code == 0
    return lambda *words: run("aliases", *words)


def test_a_list_from_its_making_to_its_end(aliases: Run) -> None:
    assert (
        "goes to ann@example.org, bob@example.org."
        in aliases("add", TEAM, "bob@example.org", "ann@example.org").stdout
    )
    assert "goes to bob@example.org no more" in aliases("remove", TEAM, "bob@example.org").stdout
    assert json.loads(aliases("list", "--json").stdout) == [{"address": TEAM, "targets": ["ann@example.org"]}]
    assert "no alias any more" in aliases("remove", TEAM).stdout
    assert aliases("list").stdout == ""


def test_what_leads_elsewhere_is_said(aliases: Run) -> None:
    made = aliases("add", TEAM, "Ann@elsewhere.test", "bob@example.org")
    assert "Mail for Ann@elsewhere.test leaves this server" in made.stderr + made.stdout
    assert "no more" in aliases("remove", TEAM, "Ann@elsewhere.test").stdout
    assert "leaves" not in aliases("add", TEAM, "bob@example.org").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "ann@example.org", "bob@example.org"), "mailkeep addresses list"),
        (("add", "x@elsewhere.test", "ann@example.org"), "mailkeep domains list"),
        (("add", TEAM), "Missing argument"),
        (("remove", TEAM), "mailkeep aliases list"),
    ],
)
def test_slips_are_told(aliases: Run, words: tuple[str, ...], said: str) -> None:
    refused = aliases(*words)
    assert refused.exit_code != 0
    assert said in refused.stderr
