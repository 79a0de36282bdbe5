"""Statements as the drivers get them."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import bindparam, select

from mailkeep.storage import tables
from mailkeep.storage.query import BulkInsert, Query, together


def test_text_for_both_drivers() -> None:
    query = Query("SELECT a FROM t WHERE b = :b AND c = :c AND d = :b")
    assert query.on("postgres") == ("SELECT a FROM t WHERE b = $1 AND c = $2 AND d = $1", ("b", "c"))
    assert query.on("sqlite")[0] == "SELECT a FROM t WHERE b = :b AND c = :c AND d = :b"
    assert query.on("sqlite") is query.on("sqlite")


def test_sqlites_own_text() -> None:
    query = Query("SELECT a = ANY(:ids)", sqlite="SELECT a IN (SELECT value FROM json_each(:ids))")
    assert query.on("postgres")[0] == "SELECT a = ANY($1)"
    assert "json_each(:ids)" in query.on("sqlite")[0]


def test_a_core_construct() -> None:
    query = Query(select(tables.domain.c.name).where(tables.domain.c.name == bindparam("name")))
    assert "$1" in query.on("postgres")[0]
    assert query.on("postgres")[1] == ("name",)
    assert ":name" in query.on("sqlite")[0]


def test_bulk_inserts() -> None:
    bulk = BulkInsert(tables.subscription, conflict="DO NOTHING")
    assert bulk.for_sqlite() == (
        'INSERT INTO "subscription" (account_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING'
    )
    assert bulk.for_postgres() == (
        'INSERT INTO "subscription" (account_id, name)'
        " SELECT * FROM unnest($1::BIGINT[], $2::TEXT[]) ON CONFLICT DO NOTHING"
    )


def test_several_at_once_number_their_parameters_on() -> None:
    one, other = BulkInsert(tables.subscription), BulkInsert(tables.domain, "name", "policy")
    sql = together((one, other))
    assert sql.startswith("WITH i0 AS (INSERT")
    assert "unnest($1::BIGINT[], $2::TEXT[])" in sql
    assert sql.endswith("unnest($3::TEXT[], $4::TEXT[])")
    assert together((one,)) == one.for_postgres()


def test_places_of_uuids() -> None:
    assert BulkInsert(tables.outbox, "created_at", "item_id", "user_id").uuid_places == [1, 2]


def test_opening_a_store_loads_no_dialect_that_it_may_not_need() -> None:
    program = (
        "import sys\nimport mailkeep.storage.opening\n"
        "heavy = {'sqlalchemy.dialects.postgresql', 'sqlalchemy.ext.asyncio', 'alembic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
