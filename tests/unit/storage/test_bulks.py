"""Inserts and updates of many rows, alone and together: parameters are numbered through."""

from __future__ import annotations

from mailkeep.storage import tables
from mailkeep.storage.query import BulkInsert, BulkUpdate, together, with_bulks

INSERT = BulkInsert(tables.subscription, conflict="DO NOTHING")
UPDATE = BulkUpdate(tables.mailbox, "id", "uidnext", "name")


def test_an_update_names_its_row_by_the_first_parameter() -> None:
    assert UPDATE.for_sqlite() == 'UPDATE "mailbox" SET uidnext = ?2, name = ?3 WHERE id = ?1'
    assert UPDATE.for_postgres(4) == (
        'UPDATE "mailbox" SET uidnext = given.uidnext, name = given.name'
        " FROM unnest($4::BIGINT[], $5::BIGINT[], $6::TEXT[]) AS given(id, uidnext, name)"
        ' WHERE "mailbox".id = given.id'
    )


def test_several_are_one_statement() -> None:
    insert = INSERT.for_postgres(1)
    assert together((INSERT,)) == insert
    assert together((INSERT, UPDATE)) == f"WITH i0 AS ({insert}) {UPDATE.for_postgres(3)}"
    assert with_bulks((), 3) == ""
    assert with_bulks((UPDATE, INSERT), 3) == (
        f"WITH i0 AS ({UPDATE.for_postgres(3)}), i1 AS ({INSERT.for_postgres(6)}) "
    )


def test_a_single_row_has_a_parameter_for_each_column() -> None:
    assert INSERT.one_row().for_postgres(2) == (
        'INSERT INTO "subscription" (account_id, name) VALUES ($2::BIGINT, $3::TEXT) ON CONFLICT DO NOTHING'
    )
    assert INSERT.one_row().for_postgres(1, "ok") == (
        'INSERT INTO "subscription" (account_id, name) SELECT $1::BIGINT, $2::TEXT WHERE ok'
        " ON CONFLICT DO NOTHING"
    )
    assert UPDATE.one_row().for_postgres(4, "ok") == (
        'UPDATE "mailbox" SET uidnext = $5::BIGINT, name = $6::TEXT WHERE id = $4::BIGINT AND ok'
    )
    assert len(UPDATE.one_row()) == 3
    assert with_bulks((UPDATE.one_row(), INSERT.one_row()), 3) == (
        f"WITH i0 AS ({UPDATE.one_row().for_postgres(3)}), i1 AS ({INSERT.one_row().for_postgres(6)}) "
    )
