"""Mailkeep as the client of mail servers: here of its own hosts, with keys and with tokens that end."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.clients import deliver, message
from tests.support.hosts import MailkeepUp, Person

from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import AuthConfig, Server, Transport, TransportConfig
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.command import Command

HOSTNAME = "client.example"


def config(up: MailkeepUp, user: str, auth: AuthConfig, ends_at: datetime | None = None) -> TransportConfig:
    def server(listener: str) -> Server:
        host, port = up.place(listener)
        security = "starttls" if listener == "submission" else "tls"
        return Server(host, port, security, up.ca_file)  # type: ignore[arg-type]

    return TransportConfig(
        Transport(server("imaps"), user, auth, ends_at), Transport(server("submission"), user, auth, ends_at)
    )


async def subjects(account: UpstreamAccount) -> list[bytes]:
    def read(client: object) -> list[bytes]:
        client.select_folder("INBOX", readonly=True)  # type: ignore[attr-defined]
        found = client.fetch(client.search(), ["ENVELOPE"])  # type: ignore[attr-defined]
        return [row[b"ENVELOPE"].subject for row in found.values()]

    async with account.imap() as connection:
        return await connection.run(read)


@pytest.fixture
def token(mailkeep: MailkeepUp, person: Person) -> str:
    made: str = mailkeep.cli("tokens", "dev", person.address)["token"]
    mailkeep.keep_secret(made)
    return made


def refreshing(up: MailkeepUp, person: Person, note: Path) -> Command:
    """A command that makes a token, and notes that it was asked."""
    program = (
        "import pathlib, subprocess, sys; pathlib.Path(sys.argv[1]).open('a').write('x');"
        "print(subprocess.run(sys.argv[2:], check=True, capture_output=True, text=True).stdout)"
    )
    mailkeep = str(Path(sys.executable).with_name("mailkeep"))
    words = [mailkeep, "tokens", "dev", person.address, "--data-dir", str(up.data_dir)]
    return Command(shlex.join([sys.executable, "-c", program, str(note), *words]))


async def test_mail_is_sent_and_read_with_a_key(mailkeep: MailkeepUp, person: Person) -> None:
    account = UpstreamAccount(
        "own", config(mailkeep, person.address, AuthConfig(person.api_key)), None, HOSTNAME
    )
    sent = await account.send(
        person.address, [person.address], message(person.address, "by key", sender=person.address)
    )
    assert sent.refused == {}
    assert b"by key" in await subjects(account)


async def test_mail_is_sent_and_read_with_a_token(mailkeep: MailkeepUp, person: Person, token: str) -> None:
    auth = AuthConfig(oauth_token=token)
    account = UpstreamAccount("own", config(mailkeep, person.address, auth), None, HOSTNAME)
    await account.send(
        person.address, [person.address], message(person.address, "by token", sender=person.address)
    )
    assert b"by token" in await subjects(account)


async def test_a_refused_token_is_refreshed_once_and_the_login_tried_again(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path
) -> None:
    note = tmp_path / "asked"
    auth = AuthConfig(oauth_token="eyJ.stale.token")
    provider = refreshing(mailkeep, person, note)
    account = UpstreamAccount("own", config(mailkeep, person.address, auth), provider, HOSTNAME)
    deliver(mailkeep, person.address, message(person.address, "waiting"))
    assert b"waiting" in await subjects(account)
    assert b"waiting" in await subjects(account)
    assert note.read_text() == "x"


async def test_a_token_about_to_end_is_refreshed_before_it_is_shown(
    mailkeep: MailkeepUp, person: Person, tmp_path: Path
) -> None:
    note = tmp_path / "asked"
    soon = datetime.now(UTC) + timedelta(seconds=30)
    made = config(mailkeep, person.address, AuthConfig(oauth_token="ends-soon"), soon)
    account = UpstreamAccount("own", made, refreshing(mailkeep, person, note), HOSTNAME)
    await account.send(
        person.address, [person.address], message(person.address, "fresh", sender=person.address)
    )
    assert note.read_text() == "x"


@pytest.mark.parametrize("protocol", ["imap", "smtp"])
async def test_a_refusal_is_a_plain_message_without_the_secret(
    mailkeep: MailkeepUp, person: Person, protocol: str
) -> None:
    for auth, code in (
        (AuthConfig(oauth_token="not-a-token"), UpstreamCode.REFRESH_NONE),
        (AuthConfig("not-a-key"), UpstreamCode.PASSWORD),
    ):
        account = UpstreamAccount("own", config(mailkeep, person.address, auth), None, HOSTNAME)
        sending = account.send(person.address, [person.address], b"Subject: x\r\n\r\n")
        reading = subjects(account)
        asked, idle = (reading, sending) if protocol == "imap" else (sending, reading)
        idle.close()
        with pytest.raises(UpstreamError) as caught:
            await asked
        assert caught.value.code is code
        assert "not-a" not in str(caught.value)


async def test_tokens_are_loaded_from_variables_and_clear_the_password(
    mailkeep: MailkeepUp, person: Person, token: str
) -> None:
    account = UpstreamAccount("own", config(mailkeep, person.address, AuthConfig("old")), None, HOSTNAME)
    variables = {f"PRX_EMAIL_{protocol}_OAUTH_TOKEN": token for protocol in ("IMAP", "SMTP")}
    assert account.reload_auth_from_env("PRX_EMAIL", variables)
    assert not account.reload_auth_from_env("PRX_EMAIL", variables)
    assert account.config.imap is not None
    assert account.config.imap.auth.password == ""
    assert await subjects(account) == []


async def test_a_configuration_is_swapped_whole_or_not_at_all(mailkeep: MailkeepUp, person: Person) -> None:
    good = config(mailkeep, person.address, AuthConfig(person.api_key))
    account = UpstreamAccount("own", good, None, HOSTNAME)
    async with account.imap() as running:
        with pytest.raises(UpstreamError):
            account.reload_config(
                lambda: TransportConfig(good.imap, Transport(Server("", 0), "", AuthConfig()))
            )
        assert account.config == good
        account.reload_config(lambda: TransportConfig(smtp=good.smtp))
        await running.run(lambda client: client.noop())  # it finishes on the old one
    with pytest.raises(UpstreamError, match="no IMAP server"):
        await subjects(account)
