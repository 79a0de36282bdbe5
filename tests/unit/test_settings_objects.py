"""[objects]: what is refused before anything is sent anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep.settings import load_settings

KEYS = {"MAILKEEP_OBJECTS_ACCESS_KEY": "key", "MAILKEEP_OBJECTS_SECRET_KEY": "a secret"}


def given(**settings: str) -> dict[str, str]:
    named = {f"MAILKEEP_OBJECTS_{name.upper()}": value for name, value in settings.items()}
    return {"MAILKEEP_OBJECTS_BUCKET": "mail", **KEYS, **named}


def test_without_a_bucket_there_is_none() -> None:
    assert load_settings(environ={}).objects.bucket == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://s3.example.net",
        "https://s3.example.net:9000/",
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
    ],
)
def test_endpoints(endpoint: str) -> None:
    assert load_settings(environ=given(endpoint=endpoint)).objects.endpoint == endpoint


def test_in_the_clear_only_where_that_is_said() -> None:
    with pytest.raises(SettingsError, match="insecure_http"):
        load_settings(environ=given(endpoint="http://objects:8333"))
    assert load_settings(environ=given(endpoint="http://objects:8333", insecure_http="true"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"bucket": "a/b"}, "bucket"),
        ({"bucket": "https://mail"}, "bucket"),
        ({"prefix": "mail"}, "prefix"),
        ({"prefix": "../"}, "prefix"),
        ({"prefix": "/mail/"}, "prefix"),
        ({"endpoint": "s3.example.net"}, "endpoint"),
        ({"endpoint": "ftp://s3.example.net"}, "endpoint"),
        ({"endpoint": "https://s3.example.net/mail"}, "endpoint"),
        ({"endpoint": "https://user@s3.example.net"}, "endpoint"),
        ({"endpoint": "https://s3.example.net?x"}, "endpoint"),
        ({"endpoint": "https://[::1"}, "endpoint"),
        ({"access_key": ""}, "belong together"),
        ({"access_key": "", "secret_key": "", "endpoint": "https://s3.example.net"}, "needed"),
        ({"after_days": "-1"}, "after_days"),
        ({"timeout_seconds": "0"}, "timeout_seconds"),
    ],
)
def test_what_cannot_be_used(settings: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(environ=given(**settings))


def test_secrets_are_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    settings = load_settings(environ=given(secret_key=f"file:{tmp_path / 'secret'}"))
    assert settings.objects.secret_key == "from a file"
    assert "from a file" not in repr(settings)
