"""Every refusal is one plain sentence on standard error, the way out after it, and exit code 1."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from mailkeep.settings import StoreSettings
from mailkeep_cli import context
from mailkeep_cli.main import main

ALICE = "alice@example.org"


@pytest.fixture
def mailkeep(store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch):
    """Run commands in this process, on a store with example.org and alice in it."""
    monkeypatch.setattr(context, "configure", lambda _settings: None)  # the test's own logging stays

    def run(*words: str) -> Result:
        where = ["--data-dir", store_settings.data_dir, "--database", store_settings.database]
        return CliRunner().invoke(main, [*words, *where])

    assert run("domains", "add", "example.org").exit_code == 0
    assert run("users", "add", ALICE).exit_code == 0
    return run


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("users", "add", ALICE), "Error: ", "mailkeep users list"),
        (("users", "add", "x@elsewhere.test"), "Error: ", "mailkeep domains add elsewhere.test"),
        (("users", "disable", "x@example.org"), "No user has the address", "mailkeep users list"),
        (("domains", "add", "example.org"), "Error: ", "mailkeep domains list"),
        (("domains", "add", "bad_.org"), "DNS", ""),
        (("domains", "remove", "example.org"), "Error: ", "mailkeep addresses list"),
        (("domains", "remove", "example.net"), "Error: ", "mailkeep domains list"),
        (("addresses", "add", "x@example.org", "y@example.org"), "No user", "mailkeep users list"),
        (("addresses", "add", ALICE, "y@elsewhere.test"), "not a domain", "mailkeep domains list"),
        (("addresses", "add", ALICE, ALICE), "Error: ", "mailkeep addresses list"),
        (("addresses", "remove", ALICE), "Error: ", "mailkeep users disable"),
        (("addresses", "remove", "x@example.org"), "Error: ", "mailkeep addresses list"),
        (("keys", "create", "x@example.org"), "No user has the address", "mailkeep users list"),
        (("keys", "create", ALICE, "--network", "nowhere"), "is not a network", "--help"),
        (("keys", "create", ALICE, "--scope", "internal"), "for services", "--help"),
        (("keys", "revoke", "mk_000000000"), "no such key", "mailkeep keys list"),
        (("keys", "revoke", "0d5c8a52-4b1f-4f0e-9b57-1f6f3f2f7f55"), "no such key", "mailkeep keys list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_and_the_way_out(mailkeep, words, error, hint):
    run = mailkeep(*words, "--json")
    assert (run.exit_code, run.stdout) == (1, "")
    first, *rest = run.stderr.splitlines()
    assert first.startswith("Error: ")
    assert error in first
    assert first.endswith(".")
    assert hint in " ".join(rest)


def test_what_was_refused_left_nothing_behind(mailkeep):
    before = mailkeep("keys", "list", "--json").stdout
    mailkeep("keys", "create", ALICE, "--network", "nowhere")
    mailkeep("users", "add", "x@elsewhere.test")
    assert mailkeep("keys", "list", "--json").stdout == before == "[]\n"
    assert mailkeep("users", "list", "--json").stdout.count('"id"') == 1
