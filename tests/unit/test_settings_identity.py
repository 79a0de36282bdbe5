"""Issuers and the development key: what is refused before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailkeep.errors import SettingsError
from mailkeep.settings import load_settings
from mailkeep.settings_identity import has_public_listener, is_loopback

KEY = "k" * 32
GOOD = {"issuer": "https://id.example.org"}


def loaded(**environ: str):
    return load_settings(environ=environ)


def with_issuer(**given: object):
    return loaded(MAILKEEP_AUTH_ISSUERS=json.dumps([{**GOOD, **given}]))


def test_issuers_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mailkeep.toml"
    file.write_text(
        '[[auth.issuers]]\nissuer = "https://id.example.org/realms/mail"\naudiences = ["mailkeep"]\n'
        'domains = ["Example.ORG"]\nclient_id = "mailkeep"\nclient_secret_file = "/run/secret"\n'
        '[auth.issuers.scope_map]\n"IMAP.AccessAsUser.All" = "imap"\n'
        '[[auth.issuers]]\nissuer = "http://127.0.0.1:8080"\n'
    )
    first, second = load_settings(file, {}).auth.issuers
    assert (first.domains, first.audiences) == (("example.org",), ("mailkeep",))
    assert first.scope_map == {"IMAP.AccessAsUser.All": "imap"}
    assert second.issuer == "http://127.0.0.1:8080"


WRONG = {
    "no issuer": ({"issuer": ""}, "issuer"),
    "in the clear": ({"issuer": "http://id.example.org"}, "https"),
    "a password": ({"issuer": "https://u:hush@id.example.org"}, "password"),
    "a query": ({"issuer": "https://id.example.org?x"}, "query"),
    "another scheme": ({"issuer": "file:///etc/passwd"}, "URL"),
    "introspection in the clear": (
        {"introspection_endpoint": "http://id.example.org/i"},
        "introspection_endpoint",
    ),
    "an unknown scope": ({"scope_map": {"x": "everything"}}, "everything"),
    "the scope of services": ({"scope_map": {"x": "internal"}}, "internal"),
    "the same by default": ({"default_scopes": ["internal"]}, "internal"),
    "no domain": ({"trusted_domains": ["a b"]}, "trusted_domains"),
    "a client without secret": ({"client_id": "x"}, "client_secret_file"),
    "a long leeway": ({"leeway_seconds": 3600}, "leeway_seconds"),
    "fetching all the time": ({"jwks_refresh_seconds": 0}, "jwks_refresh_seconds"),
    "an unknown name": ({"algorithms": ["HS256"]}, "algorithms"),
    "a wrong type": ({"audiences": 5}, "audiences"),
}


@pytest.mark.parametrize(("given", "named"), WRONG.values(), ids=WRONG.keys())
def test_an_issuer_that_cannot_be_used_is_named(given: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        with_issuer(**given)
    assert "hush" not in str(caught.value)


def test_an_issuer_stands_once() -> None:
    twice = [GOOD, {"issuer": "https://ID.example.org"}]
    with pytest.raises(SettingsError, match="same URL"):
        loaded(MAILKEEP_AUTH_ISSUERS=json.dumps(twice))


def test_a_variable_that_is_no_json() -> None:
    with pytest.raises(SettingsError, match="JSON") as caught:
        loaded(MAILKEEP_AUTH_ISSUERS='[{"client_secret":"hush"')
    assert "hush" not in str(caught.value)


def test_secrets_are_in_no_repr() -> None:
    shown = repr(with_issuer(client_id="x", client_secret="hush")) + repr(
        loaded(MAILKEEP_JWT_DEVELOPMENT_KEY=KEY)
    )
    assert "hush" not in shown
    assert KEY not in shown


# --- development ------------------------------------------------------------------------------------


def test_the_development_key_by_its_own_name() -> None:
    assert loaded(MAILKEEP_JWT_DEVELOPMENT_KEY=KEY).auth.jwt_development_key == KEY


def test_a_short_key_is_none() -> None:
    with pytest.raises(SettingsError, match="32") as caught:
        loaded(MAILKEEP_JWT_DEVELOPMENT_KEY="short-hush")
    assert "short-hush" not in str(caught.value)


LISTENERS = [
    "SMTP_MX",
    "SMTP_SUBMISSION",
    "SMTP_SUBMISSIONS",
    "POP3_PLAIN",
    "POP3_TLS",
    "IMAP_PLAIN",
    "IMAP_TLS",
]


@pytest.mark.parametrize("listener", [*LISTENERS, "API_LISTEN"])
def test_a_public_listener_and_a_development_key_exclude_each_other(listener: str) -> None:
    public = {f"MAILKEEP_{listener}": "127.0.0.1:1,0.0.0.0:2"}
    with pytest.raises(SettingsError, match="development"):
        loaded(MAILKEEP_JWT_DEVELOPMENT_KEY=KEY, **public)
    forced = loaded(MAILKEEP_JWT_DEVELOPMENT_KEY=KEY, MAILKEEP_AUTH_DEVELOPMENT_TOKENS="on", **public)
    assert forced.auth.development_tokens == "on"
    issuers = json.dumps([GOOD])
    assert loaded(MAILKEEP_JWT_DEVELOPMENT_KEY=KEY, MAILKEEP_AUTH_ISSUERS=issuers, **public).auth.issuers


def test_without_a_key_a_public_listener_just_takes_no_tokens() -> None:
    assert loaded(MAILKEEP_IMAP_TLS="*:993").auth.development_tokens == "off"
    assert loaded(MAILKEEP_IMAP_TLS="127.0.0.1:993,[::1]:993").auth.development_tokens == "auto"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("*", False),
        ("", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_what_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert has_public_listener([f"{host}:25"]) is not loopback
