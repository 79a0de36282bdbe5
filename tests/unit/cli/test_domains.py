"""`mailkeep domains set`: how a domain takes mail from outside."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

Run = Callable[..., Result]


@pytest.fixture
def domains(store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of the group, on a store with example.org in it."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)

    def run(*words: str) -> Result:
        where = ["--data-dir", store_settings.data_dir, "--database", store_settings.database]
        return CliRunner().invoke(main, ["domains", *words, *where])

    assert run("add", "example.org").exit_code == 0
    return run


def test_what_is_not_named_stays(domains: Run) -> None:
    changed = json.loads(domains("set", "example.org", "--dmarc", "refuse", "--json").stdout)
    assert (changed["dmarc"], changed["greylists"]) == ("refuse", False)
    assert "refuse; greylists strangers" in domains("set", "example.org", "--greylist").stdout
    (listed,) = json.loads(domains("list", "--json").stdout)
    assert (listed["dmarc"], listed["greylists"]) == ("refuse", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("example.org",), "Say what to set"),
        (("example.org", "--dmarc", "burn"), "'burn' is not one of"),
        (("example.net", "--greylist"), "not hosted here"),
    ],
)
def test_slips_are_told(domains: Run, words: tuple[str, ...], said: str) -> None:
    refused = domains("set", *words)
    assert refused.exit_code != 0
    assert said in refused.stderr
