"""Secrets that the settings name: where they are looked for, and what is said when they are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep.settings import load_settings
from mailkeep.settings_credentials import SIZE_LIMIT

URL = "postgresql://mailkeep:hunter2@db.test/mail"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "etc" / "mailkeep.toml"
    file.parent.mkdir()
    file.write_text(
        '[store]\ndatabase = "credential:database"\n[notify]\nkey_file = "credential:internal.key"\n'
        '[[tls.certificates]]\ncertificate = "/etc/a.pem"\nkey = "credential:a.key"\n'
        '[[auth.issuers]]\nissuer = "https://id.test"\nclient_id = "us"\n'
        'client_secret = "credential:client"\n'
    )
    return file


def put(directory: Path, prefix: str = "") -> None:
    directory.mkdir(exist_ok=True)
    for name, text in {"database": URL, "internal.key": "mk_x", "a.key": "PEM", "client": "s3"}.items():
        (directory / f"{prefix}{name}").write_text(f"{text}\n")


@pytest.mark.parametrize("prefix", ["", "mailkeep_"])
def test_the_service_manager_s_directory_comes_first(config: Path, tmp_path: Path, prefix: str) -> None:
    given = tmp_path / "given"
    put(given, prefix)
    put(config.parent / "credentials")
    (config.parent / "credentials" / "database").write_text("postgresql://other/")
    settings = load_settings(config, {"CREDENTIALS_DIRECTORY": str(given)})
    assert settings.store.database == URL
    assert settings.notify.key_file == str(given / f"{prefix}internal.key")
    assert settings.tls.certificates[0].key == str(given / f"{prefix}a.key")
    assert settings.auth.issuers[0].client_secret == "s3"


def test_without_a_service_manager_they_lie_beside_the_settings_file(config: Path) -> None:
    put(config.parent / "credentials")
    settings = load_settings(config, {})
    assert settings.store.database == URL
    assert settings.notify.key_file == str(config.parent / "credentials" / "internal.key")


def test_a_secret_may_lie_in_any_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(URL)
    assert load_settings(environ={"MAILKEEP_STORE_DATABASE": f"file:{secret}"}).store.database == URL


def test_what_is_not_there_is_named_with_the_places(config: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(config, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "'database' is not there" in str(caught.value)
    assert str(config.parent / "credentials" / "database") in str(caught.value)
    with pytest.raises(SettingsError, match="CREDENTIALS_DIRECTORY, which is not set"):
        load_settings(environ={"MAILKEEP_STORE_DATABASE": "credential:database"})


@pytest.mark.parametrize("name", ["", "../database", ".hidden", "a/b"])
def test_a_credential_s_name_is_no_path(name: str) -> None:
    with pytest.raises(SettingsError, match="bare name"):
        load_settings(environ={"MAILKEEP_STORE_DATABASE": f"credential:{name}"})


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (SIZE_LIMIT + 1)])
def test_a_file_that_is_no_secret_is_named_and_not_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=str(path)) as caught:
        load_settings(environ={"MAILKEEP_STORE_DATABASE": f"file:{path}"})
    assert "xxxx" not in str(caught.value)


def test_a_directory_of_credentials_is_named_by_its_files_beginning(config: Path, tmp_path: Path) -> None:
    config.write_text('[dkim]\ndirectory = "credential:dkim"\n')
    (config.parent / "credentials" / "dkim").mkdir(parents=True)
    given = tmp_path / "given"
    given.mkdir()
    (given / "mailkeep_dkim_example.test_one.pem").write_text("PEM")
    assert load_settings(config, {"CREDENTIALS_DIRECTORY": str(given)}).dkim.directory == str(
        given / "mailkeep_dkim"
    )
    assert load_settings(config, {}).dkim.directory == str(config.parent / "credentials" / "dkim")
