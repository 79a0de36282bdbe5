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


async def test_pages_go_back_in_time_and_are_a_users_own(store: Store) -> None:
    user_id = uuid4()
    await store.audit.add([record(number, user_id=user_id if number % 2 else None) for number in range(10)])
    first = await store.audit.page(2, user_id)
    then = await store.audit.page(9, user_id, first[-1][0])
    assert [found.at for _, found in (*first, *then)] == [at(9), at(7), at(5), at(3), at(1)]
    assert [found.at for _, found in await store.audit.page(2)] == [at(9), at(8)]


async def test_all_rows_in_their_order_piece_by_piece(store: Store) -> None:
    records = [record(number) for number in range(5)]
    await store.audit.add(records)
    found, number = [], 0
    while page := await store.audit.following(number, 2):
        number = page[-1][0]
        found += [each for _, each in page]
    assert found == records


async def test_forgetting_looks_at_the_oldest_alone(store: Store) -> None:
    await store.audit.add([record(9), record(0)])  # the second had to wait
    assert await store.audit.prune(at(5), 1) == 0
    assert await store.audit.prune(at(5), 2) == 1
