"""The settings tree: file and environment, and every slip a sentence that names the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep.settings import load_settings


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings(environ={})
    assert settings.smtp.mx == ()
    assert settings.store.database_url.startswith("sqlite+aiosqlite:///")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mailkeep.toml"
    file.write_text('[smtp]\nhostname = "file.test"\nmax_recipients = 200\nmx = ["127.0.0.1:25"]\n')
    environ = {"MAILKEEP_CONFIG": str(file), "MAILKEEP_SMTP_HOSTNAME": "environment.test"}
    smtp = load_settings(environ=environ).smtp
    assert (smtp.hostname, smtp.max_recipients, smtp.mx) == ("environment.test", 200, ("127.0.0.1:25",))


def test_lists_are_separated_by_commas() -> None:
    settings = load_settings(environ={"MAILKEEP_IMAP_TLS": "127.0.0.1:993, [::1]:993,"})
    assert settings.imap.tls == ("127.0.0.1:993", "[::1]:993")


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("MAILKEEP_SMTP_BOGUS", "1", "MAILKEEP_SMTP_BOGUS"),
        ("MAILKEEP_SMTP_MAX_RECIPIENTS", "-5", "max_recipients"),
        ("MAILKEEP_SMTP_MAX_RECIPIENTS", "many", "max_recipients"),
        ("MAILKEEP_STORE_POOL_SIZE", "0", "pool_size"),
        ("MAILKEEP_STORE_TIMEOUT_SECONDS", "0", "timeout_seconds"),
        ("MAILKEEP_AUTH_BCRYPT_COST", "3", "bcrypt_cost"),
        ("MAILKEEP_AUTH_BCRYPT_COST", "40", "bcrypt_cost"),
        ("MAILKEEP_AUTH_INSECURE_LOOPBACK_AUTH", "perhaps", "insecure_loopback_auth"),
        ("MAILKEEP_LOG_LEVEL", "loud", "log.level"),
        ("MAILKEEP_API_MAX_CONNECTIONS_PER_NETWORK", "0", "max_connections_per_network"),
        ("MAILKEEP_CONFIG", "/not/there.toml", "/not/there.toml"),
    ],
)
def test_a_slip_in_the_environment_is_named(variable: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable: value})
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[smpt]\n", "smpt"),
        ("[smtp]\nhostnam = 'x'\n", "hostnam"),
        ("[smtp]\nmax_recipients = 0\n", "max_recipients"),
        ("[smtp\n", "not TOML"),
        ("smtp = 1\n", "smtp"),
    ],
)
def test_a_slip_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "mailkeep.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {})
    assert named in str(caught.value)


def test_other_variables_of_the_name_are_left_alone() -> None:
    load_settings(environ={"MAILKEEP_REQUIRE_POSTGRES": "1", "MAILKEEPER": "x"})


def test_a_password_in_the_database_url_is_not_shown() -> None:
    settings = load_settings(environ={"MAILKEEP_STORE_DATABASE": "postgresql://u:hunter2@db/mail"})
    assert "hunter2" not in repr(settings)
    assert settings.store.database_url == "postgresql+asyncpg://u:hunter2@db/mail"
