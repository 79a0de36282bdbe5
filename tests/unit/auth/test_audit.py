"""Audit rows are written in batches, survive a store that is away, and are never dropped in silence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailkeep.auth.audit import BATCH_LIMIT, AuditLog, printable
from mailkeep.errors import StoreUnavailable
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
