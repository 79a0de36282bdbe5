"""An account's configuration: whole and right, or not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailkeep.upstream.accounts import AuthConfig, MailProtocol, Server, Transport, TransportConfig
from mailkeep.upstream.environment import Names, auth_of, reloaded
from mailkeep.upstream.errors import UpstreamCode, UpstreamError

IMAP, SMTP = MailProtocol.IMAP, MailProtocol.SMTP
SERVER = Server("mail.example", 993)
PASSWORD = TransportConfig(
    Transport(SERVER, "ann@mail.example", AuthConfig("hush")),
    Transport(Server("mail.example", 587, "starttls"), "ann@mail.example", AuthConfig("hush")),
)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "neither"),
        ({"password": "p", "oauth_token": "t"}, "not both"),
        ({"oauth_token": "a\r\nb"}, "no line"),
        ({"oauth_token": "a" * 20_000}, "no line"),
    ],
)
def test_an_account_has_a_password_or_a_token(given: dict[str, str], says: str) -> None:
    with pytest.raises(UpstreamError, match=says) as caught:
        AuthConfig(**given)
    assert caught.value.code is UpstreamCode.CONFIG


def test_secrets_are_in_no_repr() -> None:
    assert "hush" not in repr(PASSWORD)
    assert "token-1" not in repr(AuthConfig(oauth_token="token-1"))


@pytest.mark.parametrize(
    ("text", "host", "port", "security"),
    [
        ("imap.example:993", "imap.example", 993, "tls"),
        ("smtp.example:587", "smtp.example", 587, "starttls"),
        ("tls://imap.example:143", "imap.example", 143, "tls"),
        ("none://127.0.0.1:1143", "127.0.0.1", 1143, "none"),
        ("[::1]:993", "::1", 993, "tls"),
    ],
)
def test_servers_are_named(text: str, host: str, port: int, security: str) -> None:
    server = Server.parse(text)
    assert (server.host, server.port, server.security) == (host, port, security)


@pytest.mark.parametrize("text", ["", "imap.example", "imap.example:", "imap.example:0", "x://h:1", ":993"])
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(UpstreamError):
        Server.parse(text)


def test_without_tls_only_this_machine_is_asked() -> None:
    with pytest.raises(UpstreamError, match="without TLS"):
        Server.parse("none://mail.example:143")


def test_an_account_without_servers_is_none() -> None:
    with pytest.raises(UpstreamError, match="neither"):
        TransportConfig()


@pytest.mark.parametrize("prefix", ["MAILKEEP_UPSTREAM", "PRX_EMAIL"])
def test_the_variables_of_both_protocols_are_read(prefix: str) -> None:
    variables = {
        f"{prefix}_IMAP_OAUTH_TOKEN": "i",
        f"{prefix}_IMAP_OAUTH_EXPIRES_AT": "1796083200",
        f"{prefix}_SMTP_OAUTH_TOKEN": "s",
    }
    after = reloaded(PASSWORD, Names(prefix), variables)
    assert after.imap is not None
    assert after.smtp is not None
    assert (after.imap.auth.oauth_token, after.imap.auth.password) == ("i", "")  # the password is cleared
    assert after.imap.expires_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert (after.smtp.auth.oauth_token, after.smtp.expires_at) == ("s", None)


def test_a_protocol_without_a_variable_keeps_its_way_in() -> None:
    after = reloaded(PASSWORD, Names(), {"MAILKEEP_UPSTREAM_IMAP_OAUTH_TOKEN": "i"})
    assert after.smtp == PASSWORD.smtp


@pytest.mark.parametrize("moment", ["soon", "-1", "1e9", "99999999999999", "１２"])
def test_an_end_that_is_no_moment_is_named_and_not_shown_the_token(moment: str) -> None:
    variables = {
        "MAILKEEP_UPSTREAM_IMAP_OAUTH_TOKEN": "token-1",
        "MAILKEEP_UPSTREAM_IMAP_OAUTH_EXPIRES_AT": moment,
    }
    with pytest.raises(UpstreamError, match="MAILKEEP_UPSTREAM_IMAP_OAUTH_EXPIRES_AT") as caught:
        reloaded(PASSWORD, Names(), variables)
    assert "token-1" not in str(caught.value)


def test_a_password_and_a_token_in_the_variables_exclude_each_other() -> None:
    variables = {"MAILKEEP_UPSTREAM_SMTP_OAUTH_TOKEN": "t", "MAILKEEP_UPSTREAM_SMTP_PASSWORD": "p"}
    with pytest.raises(UpstreamError, match=r"MAILKEEP_UPSTREAM_SMTP_PASSWORD.*not both"):
        auth_of(Names(), SMTP, variables)


@pytest.mark.parametrize("prefix", ["", "lower", "A B", "1A", "A-B"])
def test_a_prefix_is_a_name_of_variables(prefix: str) -> None:
    with pytest.raises(UpstreamError, match="prefix"):
        Names(prefix)
