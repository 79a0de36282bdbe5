"""What a process left behind: files that hold something that nobody may keep."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.hosts import MailkeepUp
from tests.support.postgres import PostgresCluster


def places_of(up: MailkeepUp, directory: Path, request: pytest.FixtureRequest) -> list[Path]:
    """Where the hosts could have written: their directory, and the database's."""
    if not up.database:
        return [directory]
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    assert cluster.directory is not None
    return [directory, cluster.directory]


def holders(places: Iterable[Path], wanted: set[bytes]) -> list[str]:
    """Files below the places that hold one of these. What vanishes meanwhile held nothing for long."""
    found = []
    for path in (path for place in places for path in place.rglob("*")):
        with suppress(OSError):
            octets = path.read_bytes() if path.is_file() else b""
            found += [str(path)] if any(word in octets for word in wanted) else []
    return found
