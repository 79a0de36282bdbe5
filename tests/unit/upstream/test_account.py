"""An account's operations: one refresh and one more try for a refused token, a configuration at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailkeep.upstream import account
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import AuthConfig, MailProtocol, Server, Transport, TransportConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import RefreshedOAuthToken

USER = "ann@there.example"
IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)


class Provider:
    def __init__(self) -> None:
        self.asked: list[tuple[MailProtocol, str]] = []

    async def refresh_token(
        self, protocol: MailProtocol, user: str, current_token: str
    ) -> RefreshedOAuthToken:
        self.asked.append((protocol, current_token))
        return RefreshedOAuthToken(f"new-{len(self.asked)}", IN_AN_HOUR)


class LoginServer:
    """What connections are opened to: it takes these tokens."""

    def __init__(self, *taken: str) -> None:
        self.taken = set(taken)
        self.shown: list[str] = []
        self.closed = 0

    def __call__(self, transport: Transport, *_: object) -> LoginServer:
        return self

    async def open(self, token: str = "") -> None:
        self.shown.append(token)
        if token not in self.taken:
            raise UpstreamError(UpstreamCode.TOKEN, "refused")

    async def close(self) -> None:
        self.closed += 1


def transport(token: str, *, port: int = 993, ends_at: datetime | None = None) -> Transport:
    return Transport(Server("there.example", port, "tls"), USER, AuthConfig(oauth_token=token), ends_at)


def opened(monkeypatch: pytest.MonkeyPatch, *taken: str) -> tuple[LoginServer, Provider, UpstreamAccount]:
    server, provider = LoginServer(*taken), Provider()
    monkeypatch.setattr(account, "ImapConnection", server)
    config = TransportConfig(transport("imap-1"), transport("smtp-1", port=465))
    return server, provider, UpstreamAccount("theirs", config, provider)


async def test_a_refused_token_is_refreshed_once_and_the_login_tried_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, provider, one = opened(monkeypatch, "new-1")
    async with one.imap():
        assert server.shown == ["imap-1", "new-1"]
    async with one.imap():  # and the next operation begins with it
        assert server.shown[2:] == ["new-1"]
    assert len(provider.asked) == 1


async def test_who_refuses_the_new_one_too_is_not_asked_a_third_time(monkeypatch: pytest.MonkeyPatch) -> None:
    server, provider, one = opened(monkeypatch)
    with pytest.raises(UpstreamError) as caught:
        async with one.imap():
            pass
    assert caught.value.code is UpstreamCode.TOKEN
    assert server.shown == ["imap-1", "new-1"]
    assert len(provider.asked) == 1


async def test_each_protocol_has_its_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    _, provider, one = opened(monkeypatch)
    soon = datetime.now(UTC) + timedelta(seconds=5)
    one.reload_config(lambda: replace(one.config, smtp=transport("smtp-2", port=465, ends_at=soon)))
    assert await one.token(MailProtocol.IMAP) == "imap-1"
    assert await one.token(MailProtocol.SMTP) == "new-1"
    assert provider.asked == [(MailProtocol.SMTP, "smtp-2")]


async def test_a_way_in_that_stays_keeps_the_token_that_was_refreshed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, provider, one = opened(monkeypatch)
    assert await one.renewed(MailProtocol.IMAP, "imap-1") == "new-1"
    one.reload_config(lambda: replace(one.config, smtp=transport("smtp-2", port=465)))
    assert await one.token(MailProtocol.IMAP) == "new-1"
    one.reload_config(lambda: replace(one.config, imap=transport("imap-2")))
    assert await one.token(MailProtocol.IMAP) == "imap-2"
    assert len(provider.asked) == 1


async def test_an_operation_ends_on_the_configuration_that_it_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new one comes into force while the first login is being refused."""
    server, provider, one = opened(monkeypatch, "new-1", "imap-2")
    refuse = server.open

    async def open_(token: str = "") -> None:
        if token == "imap-1":
            one.reload_config(lambda: replace(one.config, imap=transport("imap-2")))
        await refuse(token)

    monkeypatch.setattr(server, "open", open_)
    async with one.imap():
        assert server.shown == ["imap-1", "new-1"]
    async with one.imap():
        assert server.shown[2:] == ["imap-2"]
    assert provider.asked == [(MailProtocol.IMAP, "imap-1")]


def test_one_variable_that_is_wrong_leaves_both_protocols_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, one = opened(monkeypatch)
    before = one.config
    variables = {
        "PRX_EMAIL_IMAP_OAUTH_TOKEN": "imap-2",
        "PRX_EMAIL_SMTP_OAUTH_TOKEN": "smtp-2",
        "PRX_EMAIL_SMTP_OAUTH_EXPIRES_AT": "soon",
    }
    with pytest.raises(UpstreamError, match="PRX_EMAIL_SMTP_OAUTH_EXPIRES_AT"):
        one.reload_auth_from_env("PRX_EMAIL", variables)
    assert one.config == before
    assert one.reload_auth_from_env(
        "PRX_EMAIL", {**variables, "PRX_EMAIL_SMTP_OAUTH_EXPIRES_AT": "1796083200"}
    )
    assert one.config.imap is not None
    assert one.config.smtp is not None
    assert (one.config.imap.auth.oauth_token, one.config.smtp.auth.oauth_token) == ("imap-2", "smtp-2")
