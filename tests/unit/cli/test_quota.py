"""`mailkeep users quota`: what is held, what may be held, and another limit."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main
from mailkeep_cli.sizes import shown_size

ALICE = "alice@example.org"
Run = Callable[..., Result]


@pytest.fixture
def quota(store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command for alice, on a store with her in it and a default of 5,000 messages."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)
    monkeypatch.setenv("MAILKEEP_STORE_QUOTA_MESSAGES", "5000")

    def run(*words: str) -> Result:
        where = ["--data-dir", store_settings.data_dir, "--database", store_settings.database]
        return CliRunner().invoke(main, [*words, *where])

    assert run("domains", "add", "example.org").exit_code == 0
    assert run("users", "add", ALICE).exit_code == 0
    return lambda *words: run("users", "quota", ALICE, *words)


def test_the_default_and_limits_of_ones_own(quota: Run) -> None:
    assert json.loads(quota("--json").stdout) == {
        "address": ALICE,
        "storage": 0,
        "storage_limit": None,
        "messages": 0,
        "messages_limit": 5000,
    }
    assert "holds 0 of 2G in 0 of 5000 messages." in quota("--storage", "2G").stdout
    assert "holds 0 of 2G in 0 messages." in quota("--messages", "none").stdout
    assert (
        "holds 0, without a limit, in 0 of 5000"
        in quota("--storage", "default", "--messages", "default").stdout
    )


@pytest.mark.parametrize("amount", ["0", "-1", "2X", "", "1.5G", "G", "9" * 16])
def test_what_is_no_limit(quota: Run, amount: str) -> None:
    refused = quota("--storage", amount)
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_sizes_are_shown_in_the_largest_unit() -> None:
    assert [shown_size(octets) for octets in (0, 1023, 1024, 1536, 2 << 30, 5 << 40)] == [
        "0",
        "1023",
        "1K",
        "1.5K",
        "2G",
        "5T",
    ]
