"""Audit rows are written in batches, survive a store that is away, and are never dropped in silence."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from mailkeep.auth import Authenticator
from mailkeep.auth import audit as audit_module
from mailkeep.auth.audit import BATCH_LIMIT, AuditLog, printable
from mailkeep.errors import AuthenticationFailed, StoreUnavailable
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope
from mailkeep.observe import logs
from mailkeep.settings import LogSettings
from mailkeep.storage.interface import AuditRecord


def row(number: int = 0) -> AuditRecord:
    return AuditRecord(datetime.now(UTC), "imap", "PLAIN", f"a{number}@example.test", "192.0.2.1", "success")


@pytest.fixture
async def audit(store):
    return AuditLog(store.audit, "imap")


async def test_many_rows_are_all_written_in_order(store, audit):
    count = 2 * BATCH_LIMIT + 7
    for number in range(count):
        audit.record(row(number))
    await audit.flush()
    written = await store.audit.list(count + 10)
    assert [record.address for record in reversed(written)] == [f"a{n}@example.test" for n in range(count)]


async def test_rows_wait_for_a_store_that_is_away(store, audit, monkeypatch):
    async def away(_records):
        raise StoreUnavailable("The database does not answer.")

    audit.record(row())
    with monkeypatch.context() as patched:
        patched.setattr(store.audit, "add", away)
        with pytest.raises(StoreUnavailable):
            await audit.flush()
    await audit.flush()
    assert len(await store.audit.list(10)) == 1


async def test_what_does_not_fit_is_counted_and_the_log_says_so(store):
    audit = AuditLog(store.audit, "imap", limit=3)
    for number in range(10):
        audit.record(row(number))
    await audit.flush()
    reasons = [record.reason for record in await store.audit.list(20)]
    assert audit.dropped == 7
    assert len(reasons) == 4
    assert "7 attempts before this were not recorded" in reasons
    audit.record(row())
    await audit.flush()
    assert len(await store.audit.list(20)) == 5  # and says it once


async def test_a_full_batch_does_not_wait_for_its_time_and_a_stop_writes_the_rest(store, eventually):
    audit = AuditLog(store.audit, "imap")
    audit.start()
    for number in range(BATCH_LIMIT + 1):
        audit.record(row(number))
    await audit.close()
    assert len(await store.audit.list(1000)) == BATCH_LIMIT + 1


def test_printable():
    assert printable("a\r\nb\x1b[0m\u202e") == "a\ufffd\ufffdb\ufffd[0m\ufffd"
    assert len(printable("a" * 1000)) == 320


async def test_rows_past_their_time_are_forgotten_in_steps(store, monkeypatch):
    monkeypatch.setattr(audit_module, "PRUNE_STEP", 2)
    old = datetime.now(UTC) - timedelta(days=31)
    await store.audit.add([replace(row(number), at=old) for number in range(5)])
    audit = AuditLog(store.audit, "imap", days=30)
    audit.record(row(9))
    left = []
    for _ in range(4):
        await audit.flush()
        left.append(len(await store.audit.list(20)))
    assert left == [4, 2, 1, 1]


async def test_the_log_tells_what_the_row_keeps_and_no_secret(store, service, user, auth_settings, capsys):
    logs.configure(LogSettings(level="debug", format="json"), stream=sys.stderr)
    try:
        door = Authenticator(store, auth_settings, "imap")
        made = await service.create(user.id, "x")
        for secret in (made.api_key, made.api_key[:-1] + "x"):
            with suppress(AuthenticationFailed):
                credential = Credential(
                    CredentialKind.PASSWORD, "owner@example.test", secret, mechanism="PLAIN"
                )
                await door.authenticate(credential, frozenset({Scope.IMAP}), Peer("192.0.2.1"))
        await door.close()
    finally:
        logs.close()
    written = capsys.readouterr().err
    told = [json.loads(line) for line in written.splitlines() if "login" in line]
    names = ("host", "mechanism", "address", "network", "outcome", "reason", "user_id", "key_id")
    rows = reversed(await store.audit.list(10))
    for line, kept in zip(told, rows, strict=True):
        assert {name: line[name] for name in names} == {
            name: str(value) if isinstance(value := getattr(kept, name), UUID) else value for name in names
        }
    assert [line["outcome"] for line in told] == ["success", "failure"]
    assert made.api_key[13:] not in written
