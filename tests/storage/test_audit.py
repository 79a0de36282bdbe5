"""The audit log."""

from __future__ import annotations

from uuid import uuid4

from tests.storage.making import at

from mailkeep.storage.interface import AuditRecord, Store


def record(number: int, **more: object) -> AuditRecord:
    values = {
        "at": at(number),
        "host": "imap",
        "mechanism": "PLAIN",
        "address": "alice@example.test",
        "network": "192.0.2.7",
        "outcome": "success",
    }
    return AuditRecord(**(values | more))  # type: ignore[arg-type]


async def test_newest_first(store: Store) -> None:
    records = [record(number) for number in range(5)]
    await store.audit.add(records[:3])
    await store.audit.add(records[3:])
    await store.audit.add([])
    assert list(await store.audit.list(3)) == [records[4], records[3], records[2]]


async def test_of_one_user(store: Store) -> None:
    user_id, key_id = uuid4(), uuid4()
    mine = record(1, user_id=user_id, key_id=key_id, outcome="failure", reason="expired")
    await store.audit.add([record(0), mine, record(2, user_id=uuid4())])
    assert list(await store.audit.list(10, user_id)) == [mine]


async def test_what_a_client_sent_as_its_name_can_be_kept(store: Store) -> None:
    await store.audit.add([record(0, address="nul \x00 lone \udcff")])
    (found,) = await store.audit.list(1)
    assert found.address == "nul � lone ?"


async def test_the_oldest_are_forgotten_in_pieces(store: Store) -> None:
    await store.audit.add([record(number) for number in range(5)])
    assert await store.audit.prune(at(3), 2) == 2
    assert await store.audit.prune(at(3), 2) == 1
    assert await store.audit.prune(at(3), 2) == 0
    assert [found.at for found in await store.audit.list(10)] == [at(4), at(3)]
