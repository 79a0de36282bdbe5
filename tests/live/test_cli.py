"""The real `mailkeep` command, as a process of its own, on both databases."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from tests.conftest import open_test_store

from mailkeep.auth import Authenticator, apikeys
from mailkeep.errors import AuthenticationFailed
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import USER_SCOPES, Scope
from mailkeep.settings import AuthSettings, StoreSettings
from mailkeep.storage.interface import AuditRecord

MAILKEEP = Path(sys.executable).parent / "mailkeep"
ALICE = "alice@example.org"
ALL = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the command said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)


Cli = Callable[..., Awaitable[Run]]


@pytest.fixture
def cli(store_settings: StoreSettings) -> Cli:
    """Run `mailkeep` with the words given, on the test's store."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")}
    if store_settings.database:
        environ["MAILKEEP_STORE_DATABASE"] = store_settings.database

    async def run(*words: str) -> Run:
        process = await asyncio.create_subprocess_exec(
            str(MAILKEEP),
            *words,
            "--data-dir",
            store_settings.data_dir,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()
        return Run(process.returncode, out.decode(), err.decode())

    return run


@pytest.fixture
async def alice(cli: Cli) -> dict:
    """example.org with alice in it."""
    assert (await cli("domains", "add", "example.org")).code == 0
    return (await cli("users", "add", ALICE, "--name", "Alice", "--json")).json


async def test_a_first_day(cli):
    made = await cli("domains", "add", "Example.ORG")
    assert (made.code, made.err) == (0, "")
    assert made.out == "Taking mail for example.org (store_unlinked).\n"
    user = (await cli("users", "add", ALICE, "--name", "Alice", "--json")).json
    assert (user["address"], user["name"], user["disabled"]) == (ALICE, "Alice", False)
    key = (await cli("keys", "create", ALICE, "--scope", "imap", "--scope", "smtp", "--json")).json
    assert apikeys.is_whole(key["api_key"])
    assert UUID(key["id"])
    assert (key["prefix"], key["scopes"], key["owner"]) == (key["api_key"][:12], ["smtp", "imap"], ALICE)
    listed = (await cli("keys", "list", "--json")).json
    assert [entry["id"] for entry in listed] == [key["id"]]
    assert key["api_key"] not in json.dumps(listed)


async def test_for_people_the_key_alone_is_on_standard_output(cli, alice):
    run = await cli("keys", "create", ALICE)
    assert apikeys.is_whole(run.out.strip())
    assert "shown" in run.err
    assert "mailkeep keys revoke" in run.err
    assert run.out.strip() not in run.err


async def test_domains(cli, alice):
    await cli("domains", "add", "example.net", "--policy", "reject_unknown")
    made = (await cli("domains", "add", "example.com", "--catch-all", ALICE, "--json")).json
    assert (made["policy"], made["catch_all"]) == ("catch_all", ALICE)
    listed = (await cli("domains", "list", "--json")).json
    assert [domain["name"] for domain in listed] == ["example.com", "example.net", "example.org"]
    assert (await cli("domains", "remove", "example.net", "--json")).json == {"removed": "example.net"}
    assert len((await cli("domains", "list", "--json")).json) == 2


async def test_addresses(cli, alice):
    made = (await cli("addresses", "add", ALICE, "info@example.org", "--json")).json
    assert (made["address"], made["user_id"], made["primary"]) == ("info@example.org", alice["id"], False)
    listed = (await cli("addresses", "list", "info@example.org", "--json")).json
    assert {entry["address"] for entry in listed} == {ALICE, "info@example.org"}
    await cli("addresses", "remove", "info@example.org")
    listed = (await cli("addresses", "list", ALICE, "--json")).json
    assert [entry["address"] for entry in listed] == [ALICE]


async def test_a_service_key(cli, alice):
    key = (await cli("keys", "create", "--service", "smtp-host", "--json")).json
    assert (key["scopes"], key["user_id"], key["name"]) == (["internal"], None, "smtp-host")


async def test_what_a_key_is_limited_to(cli, alice):
    words = (
        "--name",
        "backup",
        "--expires",
        "90d",
        "--network",
        "192.0.2.0/24",
        "--network",
        "2001:DB8::/32",
    )
    key = (await cli("keys", "create", ALICE, *words, "--json")).json
    assert key["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert key["expires_at"].endswith("Z")
    assert set(key["scopes"]) == {scope.value for scope in USER_SCOPES}


async def test_a_refusal_is_one_sentence_and_the_way_out(cli, alice):
    run = await cli("users", "add", "x@elsewhere.test", "--json")
    assert (run.code, run.out) == (1, "")
    error, hint = run.err.splitlines()
    assert error.startswith("Error: ")
    assert hint == "Take mail for the domain first: mailkeep domains add elsewhere.test"


async def test_everything_works_while_hosts_run_and_reaches_them_at_once(store_settings, cli, alice):
    key = (await cli("keys", "create", ALICE, "--json")).json
    async with open_test_store(store_settings) as store:
        host = Authenticator(store, AuthSettings(last_used_flush_seconds=0.1), "imap")
        await host.start()
        credential = Credential(CredentialKind.PASSWORD, ALICE, key["api_key"], mechanism="PLAIN")
        principal = await host.authenticate(credential, ALL, Peer("192.0.2.1"))
        ended = asyncio.get_running_loop().create_future()
        host.watch(principal, ended.set_result)
        revoked = (await cli("keys", "revoke", key["id"], "--json")).json
        assert revoked["revoked_at"]
        assert await asyncio.wait_for(ended, 20) == "revoked"
        with pytest.raises(AuthenticationFailed):
            await host.authenticate(credential, ALL, Peer("192.0.2.1"))
        await host.close()
    rows = (await cli("audit", "--user", ALICE, "--json")).json
    assert [(row["outcome"], row["reason"]) for row in rows] == [("failure", "revoked"), ("success", "")]
    assert {(row["host"], row["mechanism"], row["network"]) for row in rows} == {
        ("imap", "PLAIN", "192.0.2.1")
    }
    [listed] = (await cli("keys", "list", ALICE, "--json")).json
    assert listed["last_used_at"]


async def test_a_key_is_rotated_renamed_and_restricted(cli, alice):
    key = (await cli("keys", "create", ALICE, "--json")).json
    made = (await cli("keys", "rotate", key["prefix"], "--overlap", "12h", "--json")).json
    assert apikeys.is_whole(made["api_key"])
    assert made["former"]["id"] == key["id"]
    assert made["former"]["expires_at"]
    assert (await cli("keys", "rename", made["id"], "at work", "--json")).json["name"] == "at work"
    words = ("--scope", "imap", "--network", "192.0.2.0/24", "--expires", "30d", "--json")
    limited = (await cli("keys", "restrict", made["prefix"], *words)).json
    assert (limited["scopes"], limited["networks"]) == (["imap"], ["192.0.2.0/24"])
    refused = await cli("keys", "restrict", made["prefix"], "--scope", "smtp")
    assert (refused.code, refused.out) == (1, "")
    assert "mailkeep keys create" in refused.err
    run = await cli("keys", "rotate", made["prefix"])
    assert apikeys.is_whole(run.out.strip())
    assert made["prefix"] in run.err


async def test_the_audit_log_is_exported_as_lines_of_json(store_settings, cli, alice):
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    made = [AuditRecord(at, "imap", "PLAIN", ALICE, "192.0.2.1", "success") for at in (early, late)]
    mine = replace(made[1], user_id=UUID(alice["id"]), reason="a\nb")
    async with open_test_store(store_settings) as store:
        await store.audit.add([*made, mine])
    lines = [json.loads(line) for line in (await cli("audit", "export")).out.splitlines()]
    assert [line["at"] for line in lines] == [f"2026-0{month}-01T00:00:00Z" for month in (1, 6, 6)]
    since = (await cli("audit", "export", "--since", "2026-03-01")).out
    assert since.count("\n") == 2
    [only] = (await cli("audit", "export", "--user", ALICE, "--until", "2027-01-01")).out.splitlines()
    assert json.loads(only) == lines[2]
    assert (await cli("audit", "--json")).json == lines[::-1]


async def test_disabling_a_user_ends_sessions_and_enabling_lets_them_in(store_settings, cli, alice):
    key = (await cli("keys", "create", ALICE, "--json")).json
    credential = Credential(CredentialKind.BEARER, "", key["api_key"])
    async with open_test_store(store_settings) as store:
        host = Authenticator(store, AuthSettings(), "imap")
        await host.start()
        principal = await host.authenticate(credential, ALL, Peer("192.0.2.1"))
        ended = asyncio.get_running_loop().create_future()
        host.watch(principal, ended.set_result)
        assert (await cli("users", "disable", ALICE, "--json")).json["disabled"] is True
        assert await asyncio.wait_for(ended, 20) == "user_disabled"
        assert (await cli("users", "enable", ALICE, "--json")).json["disabled"] is False
        async with asyncio.timeout(20):
            while (await store.directory.user(principal.user_id)).disabled:
                await asyncio.sleep(0.01)
        assert (await host.authenticate(credential, ALL, Peer("192.0.2.1"))).user_id == principal.user_id
        await host.close()


async def test_many_commands_at_once(cli, alice):
    runs = await asyncio.gather(*(cli("keys", "create", ALICE, "--json") for _ in range(6)))
    assert len({run.json["id"] for run in runs}) == 6
    assert len((await cli("keys", "list", ALICE, "--json")).json) == 6


async def test_a_database_that_is_not_there_is_one_sentence(cli, postgres_cluster):
    url = "postgresql+asyncpg://mailkeep:notthepassword@127.0.0.1:1/mailkeep"
    run = await cli("users", "list", "--database", url)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("Error: ")
    assert "notthepassword" not in run.err
