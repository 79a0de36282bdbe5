"""Accounts that stay open between uses: one for each key, as their secrets are now, and not too many."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.programs import private_file

from mailkeep.upstream import keeping
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.config import AccountConfig, open_account
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.keeping import AccountOpener


def config(directory: Path, text: str = "T_IMAP_PASSWORD=first\n") -> AccountConfig:
    path = directory / "their.env"
    private_file(path, text)
    return AccountConfig("ann@there.example", imap="there.example:993", prefix="T", env_file=str(path))


def change(one: AccountConfig, text: str, at: int) -> None:
    private_file(Path(one.env_file), text)
    os.utime(one.env_file, (at, at))


def password(account: UpstreamAccount) -> str:
    assert account.config.imap is not None
    return account.config.imap.auth.password


async def test_an_account_is_opened_once_and_reads_secrets_that_changed(tmp_path: Path) -> None:
    opener, one = AccountOpener(), config(tmp_path)
    account = await opener.open("key", "work", one)
    assert await opener.open("key", "work", one) is account
    change(one, "T_IMAP_PASSWORD=second\n", at=1_700_000_000)
    assert await opener.open("key", "work", one) is account
    assert password(account) == "second"
    await opener.close()


async def test_secrets_that_cannot_be_used_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    opener, one = AccountOpener(), config(tmp_path)
    account = await opener.open("key", "work", one)
    change(one, "nothing of use\n", at=1_700_000_000)
    with pytest.raises(UpstreamError, match="neither"):
        await opener.open("key", "work", one)
    assert password(account) == "first"
    change(one, "T_IMAP_PASSWORD=third\n", at=1_700_000_001)
    assert password(await opener.open("key", "work", one)) == "third"


async def test_another_configuration_is_another_account(tmp_path: Path) -> None:
    opener, one = AccountOpener(), config(tmp_path)
    account = await opener.open("key", "work", one)
    other = await opener.open("key", "work", replace(one, imap="other.example:993"))
    assert other is not account
    assert other.config.imap is not None
    assert other.config.imap.server.host == "other.example"


async def test_the_oldest_is_let_go_of_where_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_LIMIT", 2)
    opener, one = AccountOpener(), config(tmp_path)
    first = await opener.open("1", "work", one)
    second = await opener.open("2", "work", one)
    await opener.open("3", "work", one)
    assert await opener.open("2", "work", one) is second
    assert await opener.open("1", "work", one) is not first


def test_without_a_file_secrets_are_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRX_EMAIL_IMAP_OAUTH_TOKEN", "token")
    monkeypatch.setenv("PRX_EMAIL_IMAP_OAUTH_EXPIRES_AT", "1796083200")
    one = open_account("work", AccountConfig("ann@x.example", imap="x.example:993", prefix="PRX_EMAIL"))
    assert one.config.imap is not None
    assert one.config.imap.auth.oauth_token == "token"
    monkeypatch.setenv("PRX_EMAIL_IMAP_OAUTH_TOKEN", "another")
    assert one.reload_auth_from_env("PRX_EMAIL")
    assert one.config.imap.auth.oauth_token == "another"
