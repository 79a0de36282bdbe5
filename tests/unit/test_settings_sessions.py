"""Settings of browser sessions, and the two variables that have names of their own."""

from __future__ import annotations

import json

import pytest

from mailkeep.errors import SettingsError
from mailkeep.settings import load_settings

GMAIL = {"kind": "gmail", "client_id": "us"}


def test_the_named_variables_count() -> None:
    settings = load_settings(environ={"SESSION_TIMEOUT": "900", "SESSION_CLEANUP_INTERVAL": "5"})
    assert (settings.sessions.timeout_seconds, settings.sessions.cleanup_seconds) == (900.0, 5.0)


def test_a_provider_is_called_by_its_kind_unless_it_has_a_name() -> None:
    other = {**GMAIL, "name": "work"}
    settings = load_settings(environ={"MAILKEEP_SESSIONS_PROVIDERS": json.dumps([GMAIL, other])})
    assert [one.name for one in settings.sessions.providers] == ["gmail", "work"]


@pytest.mark.parametrize(
    ("providers", "named"),
    [
        ([GMAIL, GMAIL], "same name"),
        ([{**GMAIL, "name": "two words"}], "one word"),
        ([{**GMAIL, "kind": "yahoo"}], "kind"),
        ([{**GMAIL, "client_id": ""}], "client_id"),
        ([{**GMAIL, "token_endpoint": "http://token.example"}], "token_endpoint"),
        ([{**GMAIL, "colour": "red"}], "colour"),
        ([{"kind": "oidc", "client_id": "us"}], "issuer"),
        ([{**GMAIL, "timeout_seconds": 0}], "timeout_seconds"),
    ],
)
def test_what_cannot_work_is_refused_by_name(providers: list[object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(environ={"MAILKEEP_SESSIONS_PROVIDERS": json.dumps(providers)})


def test_a_platform_is_named_by_the_id_of_its_key() -> None:
    key_id = "0b2f8b0e-6f0d-4f0e-9a53-3f5f7c1d2e4a"
    settings = load_settings(environ={"MAILKEEP_SESSIONS_PLATFORMS": key_id})
    assert settings.sessions.platforms == (key_id,)
    with pytest.raises(SettingsError, match="platforms"):
        load_settings(environ={"MAILKEEP_SESSIONS_PLATFORMS": "mk_secret"})


def test_a_client_secret_is_in_no_repr() -> None:
    environ = {"MAILKEEP_SESSIONS_PROVIDERS": json.dumps([{**GMAIL, "client_secret": "hush-hush"}])}
    assert "hush-hush" not in repr(load_settings(environ=environ))
