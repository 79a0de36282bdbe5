"""Refreshing at a token endpoint (RFC 6749 section 6), by a command, and by somebody else's code."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.oidc.served import DISCOVERY, ServedIssuer, served_issuer
from tests.support.programs import private_file

from mailkeep.upstream import config
from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.config import AccountConfig, Secrets, open_account
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh import endpoint, refresh_provider
from mailkeep.upstream.refresh.base import OAuthClient, RefreshTokens
from mailkeep.upstream.refresh.command import Command
from mailkeep.upstream.refresh.endpoint import microsoft_token_endpoint

USER = "ann@mail.example"
CLIENT = OAuthClient("us", "hush", "mail")


class Kept:
    """Where the operator's refresh token lies."""

    def __init__(self, token: str = "refresh-1") -> None:
        self.token = token
        self.places = RefreshTokens(lambda: self.token, self._keep)

    def _keep(self, token: str) -> None:
        self.token = token


@pytest.fixture
async def issuer() -> AsyncIterator[ServedIssuer]:
    async with served_issuer() as served:
        yield served


async def refreshed(issuer: ServedIssuer, kept: Kept, answer: dict[str, object] | None = None) -> object:
    if answer is not None:
        issuer.codes[""] = answer  # a refresh grant has no code
    provider = refresh_provider("oidc", {"issuer": issuer.issuer}, CLIENT, kept.places)
    assert provider is not None
    return await provider.refresh_token(MailProtocol.IMAP, USER, "old")


async def test_the_grant_says_who_we_are_and_what_we_want(issuer: ServedIssuer) -> None:
    made = await refreshed(
        issuer, Kept(), {"access_token": "new", "token_type": "Bearer", "expires_in": "3600"}
    )
    assert made.token == "new"  # type: ignore[attr-defined]
    assert 3500 < (made.expires_at - datetime.now(UTC)).total_seconds() <= 3600  # type: ignore[attr-defined]
    assert issuer.forms[-1] == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh-1"],
        "client_id": ["us"],
        "client_secret": ["hush"],
        "scope": ["mail"],
    }


async def test_a_new_refresh_token_takes_the_place_of_the_old(issuer: ServedIssuer) -> None:
    kept = Kept()
    await refreshed(
        issuer, kept, {"access_token": "new", "token_type": "Bearer", "refresh_token": "refresh-2"}
    )
    assert kept.token == "refresh-2"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error":"invalid_grant"}', UpstreamCode.SIGN_IN),
        (400, '{"error":"interaction_required"}', UpstreamCode.SIGN_IN),
        (401, '{"error":"invalid_client"}', UpstreamCode.REFRESH_CLIENT),
        (400, "nonsense", UpstreamCode.REFRESH_NONSENSE),
        (400, '{"error":"refresh-1 <b>"}', UpstreamCode.REFRESH_NONSENSE),
        (429, "{}", UpstreamCode.REFRESH_UNAVAILABLE),
        (503, "{}", UpstreamCode.REFRESH_UNAVAILABLE),
        (200, "[]", UpstreamCode.REFRESH_UNAVAILABLE),
        (200, '{"token_type":"Bearer"}', UpstreamCode.REFRESH_NONSENSE),
        (200, '{"access_token":"a b\\n","token_type":"Bearer"}', UpstreamCode.REFRESH_NONSENSE),
        (200, '{"access_token":"t","token_type":"mac"}', UpstreamCode.REFRESH_NONSENSE),
    ],
)
async def test_each_refusal_has_its_code_and_none_repeats_a_secret(
    issuer: ServedIssuer, status: int, body: str, code: UpstreamCode
) -> None:
    head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    issuer.raw["/token"] = (head + body).encode()
    with pytest.raises(UpstreamError) as caught:
        await refreshed(issuer, Kept())
    assert caught.value.code is code
    assert "refresh-1" not in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_without_a_refresh_token_only_the_person_can_help(issuer: ServedIssuer) -> None:
    with pytest.raises(UpstreamError) as caught:
        await refreshed(issuer, Kept(""))
    assert caught.value.code is UpstreamCode.SIGN_IN
    assert issuer.requests["/token"] == 0


async def test_a_provider_that_is_away_may_be_back_later() -> None:
    provider = refresh_provider("oidc", {"issuer": "http://127.0.0.1:1"}, CLIENT, Kept().places)
    assert provider is not None
    with pytest.raises(UpstreamError) as caught:
        await provider.refresh_token(MailProtocol.IMAP, USER, "")
    assert caught.value.is_temporary


@pytest.mark.parametrize("name", ["google", "microsoft", "oidc"])
async def test_each_ready_provider_refreshes_at_its_token_endpoint(issuer: ServedIssuer, name: str) -> None:
    issuer.codes[""] = {"access_token": "new", "token_type": "Bearer"}
    provider = refresh_provider(name, {"endpoint": f"{issuer.issuer}/token"}, CLIENT, Kept().places)
    assert provider is not None
    assert (await provider.refresh_token(MailProtocol.SMTP, USER, "old")).token == "new"
    assert issuer.requests[DISCOVERY] == 0


async def test_a_provider_that_does_not_answer_is_not_waited_for(
    issuer: ServedIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "TIMEOUT_SECONDS", 0.2)
    issuer.stalls = True
    with pytest.raises(UpstreamError) as caught:
        await refreshed(issuer, Kept())
    assert caught.value.code is UpstreamCode.REFRESH_UNAVAILABLE


async def test_a_command_that_does_not_end_is_ended() -> None:
    slow = Command(command("import time; print('t', flush=True); time.sleep(3600)"), timeout=0.5)
    with pytest.raises(UpstreamError, match="longer than") as caught:
        await slow.refresh_token(MailProtocol.IMAP, USER, "")
    assert caught.value.is_temporary


def command(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


async def run(text: str) -> object:
    provider = refresh_provider("command", {"command": text}, CLIENT, Kept().places)
    assert provider is not None
    return await provider.refresh_token(MailProtocol.SMTP, USER, "")


async def test_a_command_prints_the_token_and_its_end() -> None:
    token = "os.environ['MAILKEEP_PROTOCOL'] + '-' + os.environ['MAILKEEP_USER']"
    made = await run(command(f"import os; print({token}); print(1796083200)"))
    assert made.token == f"smtp-{USER}"  # type: ignore[attr-defined]
    assert made.expires_at == datetime(2026, 12, 1, tzinfo=UTC)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (command("pass"), UpstreamCode.REFRESH_NONSENSE),
        (command("print('t' * 100_000)"), UpstreamCode.REFRESH_NONSENSE),
        (command("raise SystemExit(3)"), UpstreamCode.REFRESH_UNAVAILABLE),
        ("/no/such/program", UpstreamCode.REFRESH_CLIENT),
    ],
)
async def test_a_command_that_gives_no_token_says_how(text: str, code: UpstreamCode) -> None:
    with pytest.raises(UpstreamError) as caught:
        await run(text)
    assert caught.value.code is code


@pytest.mark.parametrize("text", ["", "'open quote"])
def test_what_is_no_command_line_is_refused_at_once(text: str) -> None:
    with pytest.raises(UpstreamError, match="no command line"):
        refresh_provider("command", {"command": text}, CLIENT, Kept().places)


def test_microsoft_s_place_depends_on_the_tenant() -> None:
    assert microsoft_token_endpoint("a/b") == "https://login.microsoftonline.com/a%2Fb/oauth2/v2.0/token"


def test_an_unknown_provider_is_told_which_there_are() -> None:
    with pytest.raises(UpstreamError, match="google, microsoft, oidc, command"):
        refresh_provider("yahoo", {}, CLIENT, Kept().places)


THIRD_PARTY = """
def make(options, client, tokens):
    return options, client, tokens

def broken(options, client, tokens):
    raise RuntimeError("hush")
"""


def test_a_third_party_s_provider_comes_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package as pip leaves it: a module, and metadata that name it."""
    (tmp_path / "third_party_refresh.py").write_text(THIRD_PARTY)
    metadata = tmp_path / "third_party_refresh-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party-refresh\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[mailkeep.oauth_refresh]\ntheirs = third_party_refresh:make\nworse = third_party_refresh:broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    kept = Kept()
    made = refresh_provider("theirs", {"tenant": "x"}, CLIENT, kept.places)
    assert made == ({"tenant": "x"}, CLIENT, kept.places)
    with pytest.raises(UpstreamError, match="'worse' cannot be made: RuntimeError") as caught:
        refresh_provider("worse", {}, CLIENT, kept.places)
    assert "hush" not in str(caught.value)


# --- a refresh token that is replaced at each use --------------------------------------------------


def their_file(directory: Path) -> Path:
    return private_file(directory / "their.env", "T_OAUTH_REFRESH_TOKEN=refresh-1\nT_IMAP_OAUTH_TOKEN=old\n")


def modes(directory: Path) -> dict[str, int]:
    return {one.name: one.stat().st_mode & 0o777 for one in directory.iterdir()}


def secrets_in(env_file: object) -> Secrets:
    return Secrets(AccountConfig("ann@x.test", imap="x.test:993", prefix="T", env_file=str(env_file)))


async def test_two_processes_use_a_refresh_token_once(issuer: ServedIssuer, tmp_path: Path) -> None:
    """Each has its own reading of the file, as two processes have."""
    path = their_file(tmp_path)
    body = b'{"access_token":"new","token_type":"Bearer","refresh_token":"refresh-2"}'
    issuer.raw["/token"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    made = [
        refresh_provider("oidc", {"issuer": issuer.issuer}, CLIENT, secrets_in(path).refresh_tokens())
        for _ in range(2)
    ]
    await asyncio.gather(*(one.refresh_token(MailProtocol.IMAP, USER, "old") for one in made if one))
    for one in made:
        await one.close()  # type: ignore[union-attr]
    shown = [form["refresh_token"] for form in issuer.forms if "refresh_token" in form]
    assert shown == [["refresh-1"], ["refresh-2"]]
    assert "refresh-2" in path.read_text()
    assert modes(tmp_path) == {"their.env": 0o600, ".their.env.lock": 0o600}


async def test_where_it_cannot_be_written_it_lasts_as_long_as_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, values: object) -> None:
        raise UpstreamError(UpstreamCode.CONFIG, f"{path} cannot be written: Read-only file system.")

    monkeypatch.setattr(config, "write_env_file", read_only)
    path = their_file(tmp_path)
    places = secrets_in(path).refresh_tokens()
    places.keep("refresh-2")
    assert places.read() == "refresh-2"
    path.write_text("T_OAUTH_REFRESH_TOKEN=signed-in-again\n")
    assert places.read() == "signed-in-again"


def test_a_credential_of_the_service_manager_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd shows its access list as the group's bits."""
    path = tmp_path / "mailkeep_their.env"
    path.write_text("T_IMAP_OAUTH_TOKEN=token\n")
    path.chmod(0o440)
    with pytest.raises(UpstreamError, match="is not there"):
        secrets_in("credential:their.env")
    with pytest.raises(UpstreamError, match="can be read by others"):
        secrets_in(path).variables()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secrets_in("credential:their.env").variables() == {"T_IMAP_OAUTH_TOKEN": "token"}


async def test_a_provider_alone_is_enough_to_begin_with(tmp_path: Path) -> None:
    """No token yet: one is asked for before anything is shown to a server."""
    given = AccountConfig(
        "ann@x.test",
        imap="x.test:993",
        provider="command",
        options={"command": "echo first-token"},
        prefix="T",
        env_file=str(private_file(tmp_path / "their.env", "")),
    )
    account = open_account("theirs", given)
    assert await account.token(MailProtocol.IMAP) == "first-token"
