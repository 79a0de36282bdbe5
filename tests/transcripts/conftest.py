"""What transcripts share: a CA, a store on each database for the whole run, and whoever adds users to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.operator import Operator

from mailkeep.net.development import DevelopmentCa, ensure_ca
from mailkeep.settings import StoreSettings

BACKENDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    """What the hosts' certificates hang on."""
    return ensure_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreSettings]:
    """Settings of a store for the whole run."""
    data_dir = tmp_path_factory.mktemp("transcripts") / "store"
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copytree(template, data_dir)
        yield StoreSettings(data_dir=str(data_dir))
        return
    cluster: Any = request.getfixturevalue("postgres_cluster")
    name = cluster.create_database(request.getfixturevalue("postgres_template"))
    yield StoreSettings(data_dir=str(data_dir), database=cluster.url(name))
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def operator(backend: StoreSettings) -> Iterator[Operator]:
    """Whoever adds users and delivers mail."""
    opened = Operator(backend)
    yield opened
    opened.close()


@pytest.fixture
def exits() -> Iterator[ExitStack]:
    """Closes what a test has entered."""
    with ExitStack() as stack:
        yield stack
