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
        (("users", "quota", "x@example.org"), "No user has the address", "mailkeep users list"),
        (("domains", "add", "example.org"), "Error: ", "mailkeep domains list"),
        (("domains", "add", "bad-.org"), "DNS", ""),
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
        (("queue", "show", "none"), "no such message", "mailkeep queue list"),
        (("queue", "retry", "none"), "Nothing of that name", "mailkeep queue list"),
        (("queue", "drop", "none"), "Nothing of that name", "mailkeep queue list"),
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


def test_an_address_that_is_taken_is_named(mailkeep):
    assert mailkeep("users", "add", ALICE).stderr.splitlines()[0] == (
        f"Error: The address {ALICE} has a user already."
    )
    assert mailkeep("addresses", "add", ALICE, "a@example.org").exit_code == 0
    assert "The address a@example.org" in mailkeep("users", "add", "a@example.org").stderr


def test_a_key_is_of_a_user_or_of_a_service(mailkeep):
    both = mailkeep("keys", "create", ALICE, "--service", "x")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "Give the ADDRESS of a user or --service NAME, and not both." in both.stderr
    neither = mailkeep("keys", "create")
    assert neither.exit_code == 2
    assert "Give the ADDRESS of a user, or --service NAME." in neither.stderr
    assert mailkeep("keys", "list", "--json").stdout == "[]\n"


def test_a_user_who_is_locked_out_gets_no_key(mailkeep):
    assert mailkeep("users", "disable", ALICE).exit_code == 0
    refused = mailkeep("keys", "create", ALICE)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        f"Error: {ALICE} is locked out, and a key would open nothing.",
        f"Let them in first: mailkeep users enable {ALICE}",
    ]
    assert mailkeep("keys", "list", "--json").stdout == "[]\n"
    assert mailkeep("users", "enable", ALICE).exit_code == 0
    assert mailkeep("keys", "create", ALICE).exit_code == 0


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://u:secret@[bad/db",
        "postgresql://u:secret@db:port/mail",
        "postgresql://u:secret@127.0.0.1/mail?sslmode=secret",
        "mysql://u:secret@db/mail",
        "secret",
    ],
)
def test_a_database_url_that_cannot_be_is_one_sentence_without_the_password(mailkeep, url):
    refused = CliRunner().invoke(main, ["users", "list", "--database", url])
    assert (refused.exit_code, refused.stdout) == (1, "")
    error, hint = refused.stderr.splitlines()
    assert error.startswith("Error: [store] database ")
    assert error.endswith(".")
    assert hint == "Mend the setting and try again."
    assert "secret" not in refused.stderr
